/** What is written down beside packages in a tree of releases; times are ISO 8601 in UTC. */

/** `snapshot.json`. */
export interface SnapshotInfo {
  readonly format: 1
  /** `X.Y.Z`. */
  readonly version: string
  /** Of the packages: `1` unless they were packaged anew. */
  readonly release: string
  /** 40 hex digits. */
  readonly commit: string
  readonly pipeline: number
  readonly builtAt: string
  /** The commit on which X or Y changed last. */
  readonly base: { readonly version: string; readonly commit: string; readonly committedAt: string }
  /** Newest first, at least since the first commit of this X. */
  readonly changes: readonly Change[]
  /** What CHANGELOG.md says under *Unreleased*, in Markdown, without that heading. */
  readonly notes: string
  /** Its RPMs, lists and checksums are. */
  readonly isSigned: boolean
  /** Sorted by path. */
  readonly files: readonly PackageFile[]
}

export interface Change {
  readonly commit: string
  readonly version: string
  readonly subject: string
  /** What `Sem-Ver:` says. */
  readonly kind: 'breaking' | 'feature' | 'patch'
  /** Numbers of the bugs that it names by `Bug-Url:`. */
  readonly bugs: readonly string[]
}

export interface PackageFile {
  /** Below the snapshot's directory, or below `stable/X.0`: the same in both. */
  readonly path: string
  readonly sizeBytes: number
  /** Hex. */
  readonly sha256: string
}

/** `release.json`. */
export interface ReleaseInfo {
  readonly format: 1
  /** Newest first. */
  readonly releases: readonly Release[]
}

export interface Release {
  readonly version: string
  readonly release: string
  readonly commit: string
  /** Name of the snapshot's directory. */
  readonly snapshot: string
  readonly promotedAt: string
  /** Why it was promoted: the rules that were met, or what the maintainer gave as a reason. */
  readonly reasons: readonly string[]
  /** See `SnapshotInfo`. */
  readonly notes: string
  /** Its RPMs are. */
  readonly isSigned: boolean
  readonly files: readonly PackageFile[]
}
