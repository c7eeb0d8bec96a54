/** Disk templates: what a repository offers and what the local store holds (spec 4). */
import type { Task } from '../base/task.js'

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
  readonly metadata: Readonly<Record<string, unknown>>
}

export type DigestName = 'sha1' | 'sha256' | 'sha512'

/** Hex digits, lower case. */
export type PublishedDigests = Readonly<Partial<Record<DigestName, string>>>

/** What came and what was written. */
export interface ReceivedImage {
  /** Of the image as written, uncompressed: the form whose SHA-1 `.hash` holds (spec 4.2). */
  readonly image: PublishedDigests
  /** Of the file as it was served, perhaps compressed: the form that distributions publish sums of. */
  readonly served: PublishedDigests
}

/** Where a repository's images come from. */
export interface TemplateSource {
  /** The file's place for messages: a path, or a URL without user and password. */
  describe(handle: string): string
  /** What is published about the image; at least one digest in `image` or `served`. */
  digests(task: Task, handle: string): Promise<ReceivedImage>
  metadata(task: Task, handle: string): Promise<Readonly<Record<string, unknown>>>
  /** Writes the image, uncompressed, to `toPath`, with the digests that `wanted` names. */
  fetch(task: Task, handle: string, toPath: string, wanted: WantedImage): Promise<ReceivedImage>
}

export interface WantedImage {
  /** Each `image` digest and each `served` digest with a value here is computed and given back. */
  readonly digests: ReceivedImage
  /** Limit of what may be written: an archive that unpacks to more is refused. Undefined: from the image's own header. */
  readonly maxBytes: number | undefined
}

export interface TemplateVersion {
  readonly ref: TemplateRef
  readonly source: TemplateSource
  readonly handle: string
  /** From the repository file itself (`sha256`, `sha512`, `checksums`); beside what the source publishes. */
  readonly digests?: ReceivedImage
}

export interface TemplateRepository {
  readonly name: string
  /**
   * Without `version` the latest by timestamp.
   * Throws `LAGO_TEMPLATE_UNKNOWN`, listing the names or versions that exist.
   */
  find(template: string, version?: string): TemplateVersion
}

export interface TemplateStore {
  /**
   * Fetches, verifies and converts once, whoever asks how often. `user` is recorded before the store's lock of this
   * template is given back, so that no `prune` comes between. Throws `LAGO_TEMPLATE_CHECKSUM` and others.
   */
  ensure(task: Task, template: TemplateVersion, user?: TemplateUser): Promise<StoredTemplate>
  find(ref: TemplateRef): Promise<StoredTemplate | undefined>
}

/** A prefix that uses a template: the file with its uuid, and the uuid (upstream's `.users`, spec 4.3). */
export interface TemplateUser {
  readonly uuidPath: string
  readonly uuid: string
}
