/**
 * Copies of RPM repositories on this host, each in a directory with its name, kept as the repositories are. Knows nothing
 * of environments, nor of what becomes of the packages.
 */
import path from 'node:path'
import { isLagoError, LagoError, messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { makeSharedDirs } from '../base/files.js'
import { withLock } from '../base/lock.js'
import type { Task } from '../base/task.js'
import type { DownloadLimits } from '../store/download/limits.js'
import type { Variables } from '../store/download/proxy.js'
import { compatibleArches, hostArch } from './arches.js'
import { openPackageDir } from './package-dir.js'
import { syncByProgram } from './sync-by-program.js'
import { requireCopy, syncByReader } from './sync-by-reader.js'
import type { SyncTarget } from './sync-target.js'
import { chooseSyncWay, type SyncWay } from './sync-way.js'
import type { YumConfig } from './yum-config.js'
import type { YumRepository } from './yum-repository.js'

export interface SyncOptions {
  readonly config: YumConfig
  /** Of that configuration. */
  readonly repositories: readonly YumRepository[]
  /** Absolute; made when missing. Packages go to `<downloadDir>/<id>/`, in the directories that the repository has. */
  readonly downloadDir: string
  /** Of the machines that shall use the packages, by rpm's name; default: this host's. */
  readonly arch?: string
  /** How long another synchronisation into the directory is waited for; default 3 minutes. */
  readonly lockLimitMs?: number
  /** Proxies, `.netrc`, and `LAGO_REPOSYNC`, which names the way that is to be used. Default: none. */
  readonly env?: Variables
  /** Nothing may be asked of the network; repositories in files can still be copied. Default false. */
  readonly isOffline?: boolean
  /** Default: as `LAGO_REPOSYNC` says, else dnf where it is with its plugin, yum's `reposync`, our own reader. */
  readonly way?: SyncWay
  /** Of our own downloads; default: two rounds in each try, 2 s apart. */
  readonly limits?: Partial<DownloadLimits>
}

export interface SyncedRepository {
  readonly repository: YumRepository
  /** Absolute. */
  readonly dir: string
  /** How many packages of it there are now. */
  readonly packages: number
}

/**
 * Makes the copies of all of them as the repositories are now, side by side and under the lock
 * `<downloadDir>/repolock`: newest packages only, others deleted, every checksum verified. What fails is tried three
 * times; one that still fails does not keep the others back. Spec 7.2.
 *
 * Throws `LAGO_SYNC_FAILED` naming the repository (several: `LAGO_PARTIAL`), `LAGO_LOCKED` with the holder, `LAGO_OFFLINE`,
 * `LAGO_YUM_CONFIG` for what the chosen way cannot do, `LAGO_COMMAND_MISSING` for a way that was asked for, `LAGO_USAGE`.
 */
export async function syncRepositories(task: Task, options: SyncOptions): Promise<readonly SyncedRepository[]> {
  const { config, repositories, downloadDir, env = {}, isOffline = false, limits = {}, arch = hostArch() } = options
  const arches = compatibleArches(arch)
  const way = await chooseSyncWay(task, options.way ?? env['LAGO_REPOSYNC'])
  await makeSharedDirs(downloadDir)
  const lock = {
    path: path.join(downloadDir, 'repolock'),
    what: `the directory of synchronised repositories ${downloadDir}`,
    waitMs: options.lockLimitMs ?? LOCK_LIMIT_MS,
  }
  return withLock(task, lock, async () =>
    fanOut(task, repositories, async (repository) =>
      task.step(`Sync repository ${repository.id}`, async (task) => {
        const dir = path.join(downloadDir, repository.id)
        const target = {
          config,
          repository,
          dir,
          arch,
          arches,
          access: { env, isOffline, limits: { ...OWN_LIMITS, ...limits } },
        }
        const packages = await inThreeTries(task, target, async () => {
          if (way === 'own') return syncByReader(task, target)
          await syncByProgram(task, way, target)
          return requireCopy(task, target)
        })
        return { repository, dir, packages }
      }),
    ),
  )
}

const LOCK_LIMIT_MS = 180_000

const TRIES = 3

/** A third of the rounds that other downloads have: all of them are gone through in each try. */
const OWN_LIMITS: Partial<DownloadLimits> = { tries: 2, backOffMs: 2_000 }

/** Between two tries the packages that the failure names are deleted. No try keeps anything but packages for the next. */
async function inThreeTries<T>(task: Task, { repository, dir }: SyncTarget, sync: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await sync()
    } catch (error) {
      task.signal.throwIfAborted()
      if (!isWorthAnotherTry(error)) throw error
      if (tries === TRIES) throw failed(repository, error)
      task.log('warning', `repository ${repository.id}, try ${tries} of ${TRIES}: ${messageOf(error)}`)
      await removeNamed(task, dir, error)
    }
}

const WORTH_ANOTHER_TRY = [
  'LAGO_DOWNLOAD',
  'LAGO_COMMAND_FAILED',
  'LAGO_RPM_REPOSITORY',
  'LAGO_RPM_MISSING',
  'LAGO_PARTIAL',
]

function isWorthAnotherTry(error: unknown): error is LagoError {
  return isLagoError(error) && WORTH_ANOTHER_TRY.includes(error.code)
}

async function removeNamed(task: Task, dir: string, error: LagoError): Promise<void> {
  const told = `${error.message}\n${String(error.data['output'] ?? '')}`
  const names = new Set(told.match(/[^\s/'"()[\]]+\.rpm\b/g) ?? [])
  if (names.size === 0) return
  const removed = await (await openPackageDir(dir)).removeNamed(names)
  for (const file of removed) task.log('debug', `removed ${file}, which the failure names`)
}

function failed({ id }: YumRepository, error: LagoError): LagoError {
  return new LagoError(
    'LAGO_SYNC_FAILED',
    `Failed to run reposync ${TRIES} times for repoid: ${id}, aborting. ${error.message}`,
    { hint: error.hint, data: { repository: id, code: error.code, ...error.data }, cause: error },
  )
}
