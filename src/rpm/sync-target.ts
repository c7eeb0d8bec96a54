import type { Access } from './repository-files.js'
import type { YumConfig } from './yum-config.js'
import type { YumRepository } from './yum-repository.js'

/** One repository, and where its copy is to be. */
export interface SyncTarget {
  readonly config: YumConfig
  readonly repository: YumRepository
  /** Absolute. */
  readonly dir: string
  /** Of the machines that shall use the packages. */
  readonly arch: string
  /** Those of packages that they can use. */
  readonly arches: readonly string[]
  readonly access: Access
}
