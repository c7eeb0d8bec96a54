import type { Checksum } from './checksum.js'
import type { PackageName } from './package.js'

/** A package as the list of its repository has it. */
export interface RepositoryPackage extends PackageName {
  /** Relative path of its file: below the repository, and below the directory of its copy. Never leads out of it. */
  readonly href: string
  /** Where its file is, when it is not below the repository. */
  readonly baseUrl: string | undefined
  readonly sizeBytes: number
  readonly checksum: Checksum
}
