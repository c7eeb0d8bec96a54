/** Disk templates: what a repository offers and what the local store holds (spec 4). */
import type { Task } from '../base/task.js'
import type { DigestName } from '../disk/checksum.js'

export interface TemplateRef {
  readonly repo: string
  readonly name: string
  readonly version: string
}

export interface StoredTemplate {
  readonly ref: TemplateRef
  readonly path: string
  /** The store converts to raw, as upstream's does (spec 4.3). */
  readonly format: 'raw'
  readonly metadata: Metadata
}

export type Metadata = Readonly<Record<string, unknown>>

/** Where a repository's images and the files beside them come from. */
export interface TemplateSource {
  /** The suffixes under which an image may stand, in the order in which they are tried; none is the empty one. */
  readonly suffixes: readonly string[]
  /** The file's place for messages: a path, or a URL without user and password. */
  describe(handle: string): string
  /** A small file; undefined: there is none. Throws `LAGO_DOWNLOAD`, `LAGO_OFFLINE`. */
  text(task: Task, handle: string): Promise<string | undefined>
  /** Undefined: there is no such file. Throws `LAGO_DOWNLOAD`, `LAGO_OFFLINE`, and so does the stream. */
  open(task: Task, handle: string): Promise<SourceFile | undefined>
}

/** Its disposal ends a connection: needed only when the chunks are not asked for. */
export interface SourceFile extends AsyncDisposable {
  /** As `describe` gives it; of what answered in the end. */
  readonly place: string
  /** Undefined: not known before its end. */
  readonly sizeBytes: number | undefined
  /** To be read once. */
  readonly chunks: AsyncIterable<Buffer>
}

export interface PublishedDigest {
  readonly name: DigestName
  /** Lower case. */
  readonly hex: string
  /** `image`: of the unpacked file, as `.hash` is (spec 4.2); `either`: of the file as served, or of what is in it. */
  readonly of: 'image' | 'either'
  /** Who says so, for messages. */
  readonly from: string
}

export interface TemplateVersion {
  readonly ref: TemplateRef
  /** Seconds since the epoch; the latest is what an init file without a version gets. */
  readonly timestamp: number
  /** Path or URL of the repository file. */
  readonly repository: string
  readonly source: TemplateSource
  readonly handle: string
  /** What the repository file says itself. */
  readonly digests: readonly PublishedDigest[]
  /** Handles of files with sums, as distributions publish them: `SHA256SUMS`. */
  readonly checksums: readonly string[]
  /** From the repository file; the file beside the image is then not needed. */
  readonly metadata: Metadata | undefined
  /** Another template of the same repository, which this one may be laid over. Throws as `TemplateRepository.find`. */
  sibling(template: string, version: string): TemplateVersion
}

export interface TemplateRepository {
  readonly name: string
  /** Path or URL of its file. */
  readonly place: string
  readonly templates: readonly string[]
  /** Latest first. Throws `LAGO_TEMPLATE_UNKNOWN`, `LAGO_TEMPLATE_REPO`. */
  versions(template: string): readonly string[]
  /**
   * Without `version` the latest by timestamp.
   * Throws `LAGO_TEMPLATE_UNKNOWN`, listing the names or versions that exist, and `LAGO_TEMPLATE_REPO` for a broken entry.
   */
  find(template: string, version?: string): TemplateVersion
}

/** A prefix that uses a template: the file with its uuid, and the uuid (upstream's `.users`, spec 4.3). */
export interface TemplateUser {
  readonly uuidPath: string
  readonly uuid: string
}

export interface TemplateStore {
  /** Absolute. */
  readonly dir: string
  /**
   * Fetches, verifies and converts once, whoever asks how often. `user` is recorded before the lock of this template is
   * given back, so that no `prune` comes between. Throws `LAGO_TEMPLATE_CHECKSUM` and others.
   */
  ensure(task: Task, template: TemplateVersion, user?: TemplateUser): Promise<StoredTemplate>
  find(ref: TemplateRef): Promise<StoredTemplate | undefined>
}
