/** What `loadTemplates` gives: the templates of this host, and of the repository that is configured. */
import type { CommonOptions, NewEnvOptions } from './options.js'

export type TemplatesOptions = CommonOptions &
  Pick<NewEnvOptions, 'templateRepoPath' | 'templateRepoName' | 'templateRepos' | 'templateStore' | 'offline'>

/**
 * Names are `NAME`, `NAME:VERSION` or, of what is in the store, `REPOSITORY:NAME:VERSION`. Any of them throws
 * `LAGO_TEMPLATE_UNKNOWN` for a name that there is not, and `LAGO_USAGE` for one that is none.
 */
export interface Templates extends AsyncDisposable {
  /** Those of the repository first, its latest versions first. */
  list(): Promise<readonly Template[]>
  /**
   * Into the store, unless they are there; default: the latest of every template of the repository.
   * Throws `LAGO_DOWNLOAD`, `LAGO_TEMPLATE_CHECKSUM`, `LAGO_TEMPLATE_IMAGE`, `LAGO_NO_SPACE`, `LAGO_OFFLINE`.
   */
  fetch(names?: readonly string[]): Promise<readonly StoredImage[]>
  /** Also throws `LAGO_TEMPLATE_EXISTS`. */
  import(request: TemplateImport): Promise<StoredImage>
  /** By `REPOSITORY:NAME:VERSION`; default: all. `unknown`: another program put it there, without a hash of it. */
  verify(names?: readonly string[]): Promise<ReadonlyMap<string, 'intact' | 'damaged' | 'unknown'>>
  /**
   * Removes those that no environment uses; default: all that can be fetched again. Gives what was removed.
   * Throws `LAGO_TEMPLATE_IN_USE` for named ones.
   */
  prune(names?: readonly string[]): Promise<readonly string[]>
  /** Writes a directory that a web server can serve as a repository, or adds to it. Throws `LAGO_EXPORT_EXISTS`. */
  publish(request: TemplatePublication): Promise<PublishedTemplates>
  /** May be called twice. */
  close(): Promise<void>
}

export interface Template {
  readonly repository: string
  readonly name: string
  readonly version: string
  /** The repository has it. */
  readonly isOffered: boolean
  /** What an init file without a version gets from the repository. */
  readonly isLatest: boolean
  /** Undefined: it is not in the store. */
  readonly stored: StoredFacts | undefined
}

export interface StoredFacts {
  /** Of the raw image. */
  readonly path: string
  /** As a guest sees it. */
  readonly sizeBytes: number
  /** As it takes room on the disk. */
  readonly diskUseBytes: number
  readonly storedAt: Date
  /** Path or URL that it came from; undefined for what Lago has not put there. */
  readonly from: string | undefined
  /** Directories of prefixes. */
  readonly usedBy: readonly string[]
}

export interface StoredImage {
  readonly repository: string
  readonly name: string
  readonly version: string
  /** Of the raw image; it is read-only. */
  readonly path: string
}

export interface TemplateImport {
  readonly name: string
  /** Path or URL, compressed or not. */
  readonly image: string
  /** Default: the date of today, `20260131`. */
  readonly version?: string | undefined
  /** `sha1:HEX`, `sha256:HEX`, `sha512:HEX`, or the path or URL of a file with sums. */
  readonly checksum?: string | undefined
  /** Facts about the image, such as `distro` and `bootstrap`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

export interface TemplatePublication {
  readonly dir: string
  /** Default: all that are in the store. */
  readonly names?: readonly string[] | undefined
  /** Of a new repository; default: the directory's. */
  readonly repositoryName?: string | undefined
  /** Default: not compressed. */
  readonly compress?: 'xz' | 'zstd' | undefined
  /** Replaces images of the same names; default false. */
  readonly force?: boolean | undefined
}

export interface PublishedTemplates {
  /** Path of the repository file. */
  readonly repository: string
  /** `REPOSITORY:NAME:VERSION` of those that were written. */
  readonly templates: readonly string[]
}
