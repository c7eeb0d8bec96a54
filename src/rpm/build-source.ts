/** Packages of the user's own source trees of oVirt's projects (spec 7.2, step 4). */
import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { endWithParent } from '../base/end-with-us.js'
import { isLagoError, isSystemError, LagoError, messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { makeDirs } from '../base/files.js'
import { findProgram, runCommand } from '../base/process.js'
import { makeScratchDir, sweepScratchDirs } from '../base/scratch-dir.js'
import type { Task } from '../base/task.js'
import { openCommandLog, type CommandLog } from './command-log.js'
import { requireDistroName } from './distro-name.js'
import { PROJECT_RULES, mockRoot, type Project } from './projects.js'

export interface SourceBuild {
  readonly project: Project
  /** Absolute; nothing in it is changed. */
  readonly sourceDir: string
  /** Each one's packages are made anew. */
  readonly distros: readonly string[]
  /** Absolute; made when missing. Packages and logs go to `<resultDir>/<distro>/`; what was there is removed. */
  readonly resultDir: string
  /** `--engine-with-gwt`; of the engine alone. */
  readonly withGwt: boolean
}

export interface BuiltPackages {
  readonly distro: string
  /** Absolute. */
  readonly dir: string
}

/**
 * In a copy of the tree: prepared as the project wants it, packed by `make dist`, and the source package of that rebuilt for
 * each distro: by mock where it is, else by rpmbuild with the tools of this host.
 *
 * Throws `LAGO_BUILD_FAILED` naming project, distro and log, with the log's last lines; `LAGO_BUILD_SOURCE` for a directory
 * that is not there, or that has no specification; `LAGO_DISTRO_NAME`.
 */
export async function buildFromSource(task: Task, build: SourceBuild): Promise<readonly BuiltPackages[]> {
  const { project, distros, resultDir } = build
  for (const distro of distros) requireDistroName(distro)
  await requireSource(build)
  await makeDirs(resultDir)
  const workParent = placeForRpmbuild(resultDir)
  await sweepScratchDirs(task, [workParent])
  return task.step(`Build ${project}`, async (task) => {
    const workDir = await makeScratchDir('build', workParent)
    try {
      const sourcePackage = await makeSourcePackage(task, build, workDir)
      const rebuild = (await findProgram('mock')) === undefined ? rebuildHere : rebuildInMock
      return await fanOut(task, distros, async (distro, task) =>
        task.step(`Build ${project} for ${distro}`, async (task) => {
          const dir = path.join(resultDir, distro)
          await rm(dir, { recursive: true, force: true })
          await mkdir(dir)
          await rebuild(task, build, { distro, dir, sourcePackage, workDir })
          await requirePackages(build, distro, dir)
          return { distro, dir }
        }),
      )
    } finally {
      await rm(workDir, { recursive: true, force: true })
    }
  })
}

/** rpmbuild expands macros in paths, and takes what stands before and behind a space for two; in some places even quoted. */
function placeForRpmbuild(resultDir: string): string {
  return /^[\w/.,:+@-]+$/.test(resultDir) ? resultDir : os.tmpdir()
}

/** `git rev-parse HEAD` of a source tree; `unknown` where it has none. */
export async function sourceRevision(task: Task, sourceDir: string): Promise<string> {
  // trees of other users are nothing that git looks at unasked
  const argv = ['git', '-c', `safe.directory=*`, '-C', sourceDir, 'rev-parse', 'HEAD'] as const
  return runCommand(task, argv).then(
    ({ stdout }) => stdout.trim(),
    (error: unknown) => {
      if (!isLagoError(error, 'LAGO_COMMAND_FAILED') && !isLagoError(error, 'LAGO_COMMAND_MISSING')) throw error
      return 'unknown'
    },
  )
}

async function requireSource({ project, sourceDir, resultDir }: SourceBuild): Promise<void> {
  if (resultDir.startsWith(`${sourceDir}/`))
    throw new LagoError('LAGO_BUILD_SOURCE', `cannot build ${project} from ${sourceDir}: this environment is in it`, {
      hint: 'make the environment beside the sources, since all of them are copied: lago init --workdir-path DIR',
      data: { project, sourceDir, resultDir },
    })
  const names = await readdir(sourceDir).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error
    return undefined
  })
  const { commands, option } = PROJECT_RULES[project]
  const [[script = '']] = commands
  const wanted = script.startsWith('./') ? script.slice(2) : 'Makefile'
  if (names?.includes(wanted) === true) return
  const found = names === undefined ? 'there is no such directory' : `it has no ${wanted}`
  throw new LagoError('LAGO_BUILD_SOURCE', `cannot build ${project} from ${sourceDir}: ${found}`, {
    hint: `name the directory of its sources with --${option}`,
    data: { project, sourceDir },
  })
}

/** Gives its absolute path, below `workDir`. */
async function makeSourcePackage(task: Task, build: SourceBuild, workDir: string): Promise<string> {
  const { project, sourceDir, resultDir, withGwt } = build
  const { commands, env } = PROJECT_RULES[project]
  const copyDir = path.join(workDir, 'source')
  await using log = await openCommandLog(path.join(resultDir, 'prepare.log'))
  const what = `packing the sources of ${project}`
  return await task.step(`Pack the sources of ${project}`, async (task) => {
    const copy = ['cp', '--archive', '--reflink=auto', `${sourceDir}/.`, copyDir] as const
    await logged(task, log, copy, { what })
    for (const name of await readdir(copyDir))
      if (isArchive(name) || name === 'rpmbuild') await rm(path.join(copyDir, name), { recursive: true })
    for (const command of commands) await logged(task, log, command, { what, cwd: copyDir, env: env(withGwt) })
    const archives = (await readdir(copyDir)).filter(isArchive)
    const [archive] = archives
    if (archive === undefined || archives.length > 1)
      throw failed(what, log.path, `make dist made ${archives.length === 0 ? 'no archive' : archives.join(' and ')}`)
    const topDir = path.join(workDir, 'srpm')
    const pack = [
      'rpmbuild',
      '-ts',
      '--define',
      `_topdir ${topDir}`,
      '--define',
      `_tmppath ${workDir}`,
      path.join(copyDir, archive),
    ] as const
    await logged(task, log, pack, { what, cwd: copyDir })
    const [made] = await readdir(path.join(topDir, 'SRPMS')).catch(() => [])
    if (made === undefined) throw failed(what, log.path, 'rpmbuild made no source package')
    return path.join(topDir, 'SRPMS', made)
  })
}

function isArchive(name: string): boolean {
  return /\.(tar\.(gz|xz|bz2|zst)|tgz)$/.test(name)
}

interface Rebuild {
  readonly distro: string
  readonly dir: string
  readonly sourcePackage: string
  readonly workDir: string
}

async function rebuildInMock(
  task: Task,
  { project, withGwt }: SourceBuild,
  { distro, dir, sourcePackage }: Rebuild,
): Promise<void> {
  const { defines, env } = PROJECT_RULES[project]
  const definitions = defines(withGwt).flatMap((define) => ['--define', define])
  const root = `--root=${mockRoot(project, distro)}`
  await using log = await openCommandLog(path.join(dir, 'mock.log'))
  await logged(task, log, ['mock', root, ...definitions, `--resultdir=${dir}`, '--rebuild', sourcePackage], {
    what: `building ${project} for ${distro}`,
    env: env(withGwt),
    // what mock itself says is short: the compiler's words are in a log of their own
    ownLog: path.join(dir, 'build.log'),
  })
}

async function rebuildHere(
  task: Task,
  { project, withGwt }: SourceBuild,
  { distro, dir, sourcePackage, workDir }: Rebuild,
): Promise<void> {
  const { defines, env } = PROJECT_RULES[project]
  await using log = await openCommandLog(path.join(dir, 'build.log'))
  const topDir = path.join(workDir, distro)
  const builtDir = path.join(topDir, 'built')
  const definitions = [
    `_topdir ${topDir}`,
    `_tmppath ${workDir}`, // its scripts stay when it fails
    `dist .${distro}`,
    `_rpmdir ${builtDir}`,
    '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
    ...defines(withGwt),
  ].flatMap((define) => ['--define', define])
  const dependencies = (await knowsPackages(task)) ? [] : ['--nodeps']
  await logged(task, log, ['rpmbuild', '--rebuild', ...dependencies, ...definitions, sourcePackage], {
    what: `building ${project} for ${distro}`,
    env: env(withGwt),
  })
  for (const name of await readdir(builtDir).catch(() => []))
    await copyFile(path.join(builtDir, name), path.join(dir, name), constants.COPYFILE_FICLONE)
}

/** On a host whose own packages are not rpm's, no requirement of a build could ever be met in rpm's eyes. */
async function knowsPackages(task: Task): Promise<boolean> {
  const { stdout } = await runCommand(task, ['rpm', '--query', '--all'], { package: 'rpm', okCodes: [0, 1] })
  return stdout.trim() !== ''
}

async function requirePackages({ project }: SourceBuild, distro: string, dir: string): Promise<void> {
  if ((await readdir(dir)).some((name) => name.endsWith('.rpm') && !name.endsWith('.src.rpm'))) return
  throw failed(`building ${project} for ${distro}`, path.join(dir, 'build.log'), 'no package came out')
}

interface LoggedOptions {
  readonly what: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** A log that the program writes itself, which tells more. */
  readonly ownLog?: string
}

/** An exit code other than 0 is `LAGO_BUILD_FAILED`. */
async function logged(
  task: Task,
  log: CommandLog,
  argv: readonly [string, ...string[]],
  { what, ownLog, ...options }: LoggedOptions,
): Promise<void> {
  log.begin(argv)
  try {
    const guard = await endWithParent(task)
    await runCommand(task, argv, { ...options, guard, onStdout: log.write, onStderr: log.write })
  } catch (error) {
    const isTold = isLagoError(error, 'LAGO_COMMAND_FAILED') || isLagoError(error, 'LAGO_COMMAND_MISSING')
    if (!isTold) throw error
    const end = ownLog === undefined ? undefined : await lastLinesOf(ownLog)
    const ended = `${argv[0]} ended with exit code ${String(error.data['exitCode'])}`
    const found = error.code === 'LAGO_COMMAND_MISSING' ? messageOf(error) : ended
    throw failed(what, end === undefined ? log.path : (ownLog ?? log.path), found, end ?? log.lastLines(), error)
  }
}

async function lastLinesOf(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trim() === '' ? undefined : text.trimEnd().split('\n').slice(-10).join('\n')
}

function failed(what: string, logPath: string, found: string, lastLines = '', cause?: unknown): LagoError {
  const end = lastLines === '' ? '' : `; the end of its log:\n${lastLines}`
  return new LagoError('LAGO_BUILD_FAILED', `${what} failed: ${found}${end}`, {
    hint: `the whole log is ${logPath}`,
    data: { log: logPath },
    cause,
  })
}
