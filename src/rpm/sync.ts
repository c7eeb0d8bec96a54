/**
 * Copies of RPM repositories on this host, each in a directory with its name, kept as the repositories are. Knows nothing
 * of environments, nor of what becomes of the packages.
 */
import type { Task } from '../base/task.js'
import type { DownloadLimits } from '../store/download/limits.js'
import type { Variables } from '../store/download/proxy.js'
import type { YumConfig } from './yum-config.js'
import type { YumRepository } from './yum-repository.js'

export type SyncWay = 'dnf' | 'reposync' | 'own'

export interface SyncOptions {
  readonly config: YumConfig
  /** Of that configuration. */
  readonly repositories: readonly YumRepository[]
  /** Absolute; made when missing. Packages go to `<downloadDir>/<id>/`, in the directories that the repository has. */
  readonly downloadDir: string
  /** Of the host that shall use the packages, by rpm's name; default: this one's. */
  readonly arch?: string
  /** How long another synchronisation into the directory is waited for; default 3 minutes. */
  readonly lockLimitMs?: number
  /** Proxies, `.netrc`, and `LAGO_REPOSYNC`, which names the way that is to be used. Default: none. */
  readonly env?: Variables
  /** Nothing may be asked of the network; repositories in files still can be copied. */
  readonly isOffline?: boolean
  /** Default: dnf where it is with its plugin, else yum's `reposync`, else our own reader. */
  readonly way?: SyncWay
  /** Of our own reader. */
  readonly limits?: Partial<DownloadLimits>
}

export interface SyncedRepository {
  readonly repository: YumRepository
  /** Absolute. */
  readonly dir: string
  readonly packages: number
}

export async function syncRepositories(_task: Task, _options: SyncOptions): Promise<readonly SyncedRepository[]> {
  throw new Error('unreachable: not there yet')
}
