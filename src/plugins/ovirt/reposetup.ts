/** `lago ovirt reposetup`: the packages that the guests of an environment shall install, in its internal repository (spec 7.2). */
import { readdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../../base/errors.js'
import { fanOut } from '../../base/fan-out.js'
import { makeDirs } from '../../base/files.js'
import { withLock } from '../../base/lock.js'
import { makeScratchDir, sweepScratchDirs } from '../../base/scratch-dir.js'
import type { Task } from '../../base/task.js'
import type { Env } from '../../index.js'
import { hostArch } from '../../rpm/arches.js'
import { buildFromSource, sourceRevision } from '../../rpm/build-source.js'
import type { PackageSource } from '../../rpm/pick-packages.js'
import { findCustomPackages, type CustomPackages } from '../../rpm/custom-packages.js'
import { customSourcesFor } from '../../rpm/custom-merge.js'
import { openKnownPackages } from '../../rpm/known-packages.js'
import { mergeRepository } from '../../rpm/merge.js'
import { PROJECT_RULES, PROJECTS, type Project } from '../../rpm/projects.js'
import { readWholePackages, type KnownPackages } from '../../rpm/read-packages.js'
import { readRepomanConfig, REPOMAN_OPTIONS, type RepomanOptions } from '../../rpm/repoman-config.js'
import { isPackageFile, packageFilesBelow } from '../../rpm/rpm-files.js'
import { syncRepositories } from '../../rpm/sync.js'
import { readYumConfig, type YumConfig } from '../../rpm/yum-config.js'
import { noRepositoryError, repositoriesFor, type YumRepository } from '../../rpm/yum-repository.js'
import { distrosOf, type Distros } from './distros.js'
import { internalRepository, type InternalRepository } from './internal-repository.js'

export interface RepoSetup {
  /** Where repositories are synchronised to; absolute. */
  readonly rpmRepoDir: string
  /** Absolute. */
  readonly yumConfigPath: string | undefined
  /** Take what was synchronised before. */
  readonly skipSync: boolean
  /** As written; relative paths are below `cwd`. */
  readonly customSources: readonly string[]
  /** Absolute. */
  readonly repomanConfigPath: string | undefined
  /** Of the directory in `internal_repo`. */
  readonly repoName: string
  /** Source trees to build from; absolute. */
  readonly sourceDirs: ReadonlyMap<Project, string>
  readonly withGwt: boolean
  readonly cwd: string
  /** For proxies and `.netrc`. */
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly isOffline: boolean
}

/** So long another `reposetup` of the same environment is waited for; spec 7.2. */
const LOCK_WAIT_MS = 180_000

/**
 * What is built wins over custom sources, and those over what is synchronised. When it fails, guests have what they had.
 * Throws `LAGO_NO_RPM_SOURCES` without anything to take packages from, `LAGO_NO_DISTRO`, `LAGO_DISTRO_NAME`,
 * `LAGO_NOT_SYNCED`, `LAGO_NO_RPMS` when repositories with packages would have none, and what synchronising, building, reading and merging throw.
 */
export async function setUpRepository(task: Task, env: Env, setup: RepoSetup): Promise<void> {
  const distros = distrosOf(task, env)
  const wanted = await matchingRepositories(task, setup, distros.all)
  refuseName(setup.repoName, distros.all)
  const { repomanConfigPath } = setup
  const repoman = repomanConfigPath === undefined ? REPOMAN_OPTIONS : await readRepomanConfig(task, repomanConfigPath)
  const internal = internalRepository(env.prefixDir)
  await makeDirs(internal.dir)
  const lock = {
    path: internal.dir,
    kind: 'directory',
    what: `the repository ${internal.dir}`,
    waitMs: LOCK_WAIT_MS,
  } as const
  await withLock(task, lock, async () => {
    const builds = await makeInputs(task, env, { setup, wanted, distros })
    await sweepScratchDirs(task, [internal.dir])
    const downloadDir = await makeScratchDir('custom', internal.dir)
    try {
      await mergeAll(task, internal, { setup, wanted, distros: distros.all, builds, downloadDir, repoman })
    } finally {
      await rm(downloadDir, { recursive: true, force: true })
    }
  })
}

interface WantedRepositories {
  /** Undefined without a configuration, and so without repositories. */
  readonly config?: YumConfig
  readonly repositories: readonly YumRepository[]
}

async function matchingRepositories(
  task: Task,
  { yumConfigPath, customSources, sourceDirs }: RepoSetup,
  distros: readonly string[],
): Promise<WantedRepositories> {
  if (yumConfigPath === undefined) {
    if (customSources.length > 0 || sourceDirs.size > 0) return { repositories: [] }
    throw new LagoError('LAGO_NO_RPM_SOURCES', 'No reposync configuration file found or custom sources specified.', {
      hint: 'name a yum configuration with --reposync-yum-config FILE, or packages with --custom-source',
    })
  }
  const config = await readYumConfig(yumConfigPath)
  const repositories = repositoriesFor(config, { distros })
  if (repositories.length === 0) task.log('warning', noRepositoryError(config, distros).message)
  return { config, repositories }
}

/** A distro has a link of its name beside the directory of the repository. */
function refuseName(repoName: string, distros: readonly string[]): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9._+-]*$/.test(repoName) && !distros.includes(repoName)) return
  throw new LagoError('LAGO_USAGE', `the repository cannot be called "${repoName}"`, {
    hint: `--repo-name takes letters, digits, ".", "_", "+" and "-", and no name of a distribution (${distros.join(', ')})`,
    data: { repoName },
  })
}

interface Inputs {
  readonly setup: RepoSetup
  readonly wanted: WantedRepositories
  readonly distros: Distros
}

/** Synchronises and builds side by side; gives the directories with the packages that were built, by project and distro. */
async function makeInputs(task: Task, env: Env, { setup, wanted, distros }: Inputs): Promise<readonly Built[]> {
  const built: Built[] = []
  const works = [
    async (task: Task): Promise<void> => sync(task, setup, wanted),
    ...PROJECTS.map((project) => async (task: Task): Promise<void> => {
      const sourceDir = setup.sourceDirs.get(project)
      if (sourceDir === undefined) return
      const { withGwt } = setup
      const users = PROJECT_RULES[project].for
      if (distros[users].length === 0) return task.log('warning', `${project} is not built: nothing here installs it`)
      const resultDir = path.join(env.prefixDir, 'build', project)
      const results = await buildFromSource(task, { project, sourceDir, distros: distros[users], resultDir, withGwt })
      built.push(...results.map((result) => ({ project, ...result })))
    }),
  ]
  await fanOut(task, works, async (work, task) => work(task), { limit: works.length })
  await noteRevisions(task, env, setup)
  return built
}

interface Built {
  readonly project: Project
  readonly distro: string
  readonly dir: string
}

async function sync(
  task: Task,
  { skipSync, rpmRepoDir, variables, isOffline }: RepoSetup,
  { config, repositories }: WantedRepositories,
): Promise<void> {
  if (config === undefined || repositories.length === 0) return
  if (skipSync) return task.log('info', 'repositories are taken as they were synchronised before')
  await syncRepositories(task, { config, repositories, downloadDir: rpmRepoDir, env: variables, isOffline })
}

const REVISIONS: readonly (readonly [Project, string])[] = [
  ['ovirt-engine', 'ovirt-engine-revision'],
  ['vdsm', 'vdsm-revision'],
]

async function noteRevisions(task: Task, env: Env, { sourceDirs }: RepoSetup): Promise<void> {
  const found: Record<string, string> = {}
  for (const [project, key] of REVISIONS) {
    const sourceDir = sourceDirs.get(project)
    if (sourceDir !== undefined) found[key] = await sourceRevision(task, sourceDir)
  }
  if (Object.keys(found).length > 0) await env.setMetadata(found)
}

interface Merge extends Omit<Inputs, 'distros'> {
  readonly distros: readonly string[]
  readonly builds: readonly Built[]
  readonly repoman: RepomanOptions
  readonly downloadDir: string
}

async function mergeAll(task: Task, internal: InternalRepository, merge: Merge): Promise<void> {
  const { setup, distros, downloadDir, repoman } = merge
  const known = await openKnownPackages(internal.knownPath)
  const custom = await readCustom(task, setup, downloadDir, known)
  const forDistro = customSourcesFor(task, custom, { distros, ...repoman })
  // all of them before any repository is touched: one that is broken leaves all as they are
  const read = await task.step('Read packages', async (task) =>
    fanOut(task, distros, async (distro, task) => ({
      distro,
      sources: [
        ...(await builtSources(task, merge, distro, known)),
        ...forDistro(distro),
        ...(await syncedSources(task, merge, distro, known)),
      ],
    })),
  )
  if (read.every(({ sources }) => sources.every(({ packages }) => packages.length === 0)))
    await refuseEmptying(
      distros.map((distro) => internal.distroDir(setup.repoName, distro)),
      distros,
    )
  await task.step(`Merge repositories of ${distros.join(', ')}`, async (task) =>
    fanOut(task, read, async ({ distro, sources }, task) => {
      const dir = internal.distroDir(setup.repoName, distro)
      const { packages } = await mergeRepository(task, { dir, sources, arch: hostArch() })
      if (packages === 0) task.log('warning', `the repository of ${distro} has no packages`)
      await linkShort(internal.shortLink(distro), path.join(setup.repoName, distro))
    }),
  )
  await known.save()
}

/** A configuration in which a name is mistyped should not cost what a run of hours has made. */
async function refuseEmptying(dirs: readonly string[], distros: readonly string[]): Promise<void> {
  const found = await Promise.all(dirs.map(async (dir) => readdir(dir).catch(() => [])))
  const full = dirs.filter((_, index) => found[index]?.some(isPackageFile))
  if (full.length === 0) return
  const names = distros.join(', ')
  throw new LagoError('LAGO_NO_RPMS', `no package was found for ${names}, and there are some in ${full.join(', ')}`, {
    hint: 'check the names of the repositories and the sources; to begin anew, remove these directories',
    data: { distros, dirs: full },
  })
}

async function readCustom(
  task: Task,
  { customSources, cwd, variables, isOffline }: RepoSetup,
  downloadDir: string,
  known: KnownPackages,
): Promise<readonly CustomPackages[]> {
  if (customSources.length === 0) return []
  return task.step('Read custom sources', async (task) =>
    findCustomPackages(task, customSources, { cwd, variables, isOffline, downloadDir, known }),
  )
}

async function builtSources(
  task: Task,
  { builds }: Merge,
  distro: string,
  known: KnownPackages,
): Promise<PackageSource[]> {
  const own = builds.filter((build) => build.distro === distro)
  return fanOut(task, own, async ({ project, dir }, task) => ({
    label: `the build of ${project}`,
    packages: await readWholePackages(task, await packageFilesBelow(dir), { known, hint: 'run it again' }),
  }))
}

async function syncedSources(
  task: Task,
  { setup, wanted }: Merge,
  distro: string,
  known: KnownPackages,
): Promise<PackageSource[]> {
  const own = wanted.repositories.filter((repository) => repository.distro === distro)
  return fanOut(task, own, async ({ id }, task) => {
    const dir = path.join(setup.rpmRepoDir, id)
    await requireSynced(id, dir)
    const hint = setup.skipSync
      ? 'run it again without --skip-sync, so that they are fetched anew'
      : 'remove them and run it again; when they come so from the repository, leave them out by "exclude"'
    const paths = await packageFilesBelow(dir)
    return { label: `the repository ${id}`, packages: await readWholePackages(task, paths, { known, hint }) }
  })
}

async function requireSynced(id: string, dir: string): Promise<void> {
  await readdir(dir).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error
    throw new LagoError('LAGO_NOT_SYNCED', `the repository ${id} has not been synchronised: there is no ${dir}`, {
      hint: 'run it without --skip-sync, or name the directory where it was synchronised to with --rpm-repo',
      data: { id, dir },
    })
  })
}

/** Relative, so that a prefix can be moved. A directory of that name is of the Python program's. */
async function linkShort(link: string, target: string): Promise<void> {
  const found = await readlink(link).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'EINVAL')) return undefined
    throw error
  })
  if (found === target) return
  const newLink = path.join(path.dirname(link), `.${path.basename(link)}.link`)
  await rm(newLink, { force: true })
  await symlink(target, newLink)
  if (found === undefined) await rm(link, { recursive: true, force: true })
  await rename(newLink, link)
}
