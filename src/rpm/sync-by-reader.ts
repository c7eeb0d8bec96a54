/** Copies made without any program: the list of a repository is read, and what is not there yet is downloaded. */
import path from 'node:path'
import { joinFailures } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { choosePackages } from './choose-packages.js'
import { missingError } from './errors.js'
import { findBaseUrls } from './mirrors.js'
import { openPackageDir, type PackageDir } from './package-dir.js'
import { readRepository } from './read-repository.js'
import { createRepositoryDownloader, openRepositoryFiles, type RepositoryFiles } from './repository-files.js'
import type { RepositoryPackage } from './repository-package.js'
import type { SyncTarget } from './sync-target.js'
import { yumConfigError } from './yum-config.js'

/**
 * Gives how many packages there are now. What is no longer in the repository is deleted when all that is has come.
 * Throws `LAGO_DOWNLOAD`, `LAGO_OFFLINE`, `LAGO_RPM_REPOSITORY`, `LAGO_RPM_MISSING`, `LAGO_YUM_CONFIG`.
 */
export async function syncByReader(task: Task, target: SyncTarget): Promise<number> {
  refuseSigned(target)
  const { files, packages } = await findPackages(task, target)
  const dir = await openPackageDir(target.dir)
  try {
    await fetchPackages(task, { files, dir }, packages)
    for (const file of await dir.keepOnly(packages))
      task.log('debug', `removed ${file}, which the repository has no more`)
  } finally {
    await dir.save()
  }
  return packages.length
}

/**
 * Whether a copy that another program made has what the repository has, whole and unharmed; gives how many packages.
 * Throws `LAGO_RPM_MISSING`, and as `syncByReader` does.
 */
export async function requireCopy(task: Task, target: SyncTarget): Promise<number> {
  const { files, packages } = await findPackages(task, target)
  const dir = await openPackageDir(target.dir)
  const missing: string[] = []
  try {
    for (const [index, entry] of packages.entries()) {
      task.progress(index, packages.length, 'items')
      if (!(await dir.has(task, entry))) missing.push(path.basename(entry.href))
    }
  } finally {
    await dir.save()
  }
  if (missing.length > 0) throw missingError(missing, files.place)
  return packages.length
}

function refuseSigned({ config, repository }: SyncTarget): void {
  if (!repository.isSigned) return
  throw yumConfigError(
    `${config.configPath}: [${repository.id}] asks for repo_gpgcheck, and only dnf can check signatures of repodata`,
    {
      hint: 'install the package dnf-plugins-core, or set repo_gpgcheck = 0',
      data: { path: config.configPath, section: repository.id },
    },
  )
}

async function findPackages(
  task: Task,
  { repository, access, arches }: SyncTarget,
): Promise<{ readonly files: RepositoryFiles; readonly packages: readonly RepositoryPackage[] }> {
  const downloader = await createRepositoryDownloader(repository, access)
  const files = openRepositoryFiles(downloader, repository, await findBaseUrls(task, downloader, repository))
  const { includes, excludes } = repository
  return { files, packages: choosePackages(await readRepository(task, files), { arches, includes, excludes }) }
}

/** So many of one repository at once; a server is not to be stormed. */
const MOST_AT_ONCE = 6

interface Places {
  readonly files: RepositoryFiles
  readonly dir: PackageDir
}

/** A package that is not there does not keep the next ones from coming; anything else would meet them as well. */
async function fetchPackages(
  task: Task,
  { files, dir }: Places,
  packages: readonly RepositoryPackage[],
): Promise<void> {
  const missing: string[] = []
  const failures: unknown[] = []
  let next = 0
  let done = 0
  const runLane = async (): Promise<void> => {
    while (next < packages.length && failures.length === 0 && !task.signal.aborted) {
      const entry = packages[next++] as RepositoryPackage // next < packages.length
      try {
        if (!(await fetchPackage(task, { files, dir }, entry))) missing.push(path.basename(entry.href))
        task.progress(++done, packages.length, 'items')
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, packages.length) }, runLane))
  task.signal.throwIfAborted()
  if (failures.length > 0) throw joinFailures(failures)
  if (missing.length > 0) throw missingError(missing, files.place)
}

/** False: it is not there. */
async function fetchPackage(task: Task, { files, dir }: Places, entry: RepositoryPackage): Promise<boolean> {
  if (await dir.has(task, entry)) return true
  const chunks = await files.open(quietly(task), entry.href, entry.baseUrl)
  if (chunks === undefined) return false
  await dir.receive(entry, chunks)
  return true
}

/** Bytes of many files at once would be told as one's. */
function quietly(task: Task): Task {
  return {
    signal: task.signal,
    jobs: task.jobs,
    step: async (title, body) => task.step(title, body),
    log: (level, message, data) => task.log(level, message, data),
    progress: () => undefined,
    within: async (timeoutMs, what, body) => task.within(timeoutMs, what, body),
    until: async (signal, body) => task.until(signal, body),
    shielded: async (graceMs, body) => task.shielded(graceMs, body),
  }
}
