/** Copies made by dnf's reposync, or by yum's older one, with a configuration that has this one repository. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { endWithParent } from '../base/end-with-us.js'
import { LagoError } from '../base/errors.js'
import { makeSharedDirs } from '../base/files.js'
import { lastLines } from '../base/plain-text.js'
import { runCommand } from '../base/process.js'
import { makeScratchDir } from '../base/scratch-dir.js'
import type { Task } from '../base/task.js'
import { hostArch } from './arches.js'
import type { SyncTarget } from './sync-target.js'
import { DNF, ownMain } from './sync-way.js'

/**
 * Its cache, its logs and its home are thrown away with each call, so that none of them can keep a next try from doing
 * better.
 * Throws `LAGO_COMMAND_FAILED` with the end of what the program said, all of it in `data.output`; `LAGO_OFFLINE`.
 */
export async function syncByProgram(task: Task, program: 'dnf' | 'reposync', target: SyncTarget): Promise<void> {
  refuseOffline(target)
  await makeSharedDirs(target.dir)
  const scratchDir = await makeScratchDir('reposync')
  try {
    const configPath = path.join(scratchDir, 'yum.conf')
    await mkdir(path.join(scratchDir, 'log'))
    await writeFile(configPath, configFor(target, scratchDir), { mode: 0o600 }) // it may have passwords
    const argv = program === 'dnf' ? dnfArgv(target, configPath) : reposyncArgv(target, configPath, scratchDir)
    const { exitCode, stdout, stderr } = await runCommand(task, argv, {
      env: { HOME: scratchDir },
      guard: await endWithParent(task),
      okCodes: [0, 1],
      package: program === 'dnf' ? 'dnf' : 'yum-utils',
    })
    if (exitCode !== 0) throw programFailed(target, program, stdout, stderr)
  } finally {
    await rm(scratchDir, { recursive: true, force: true })
  }
}

function refuseOffline({ repository, access }: SyncTarget): void {
  const { id, baseUrls } = repository
  if (!access.isOffline || (baseUrls.length > 0 && baseUrls.every((url) => /^file:/i.test(url)))) return
  throw new LagoError('LAGO_OFFLINE', `cannot synchronise the repository ${id}: --offline forbids it`, {
    hint: 'leave --offline out, or use what is there already: --skip-sync',
    data: { repository: id },
  })
}

function dnfArgv({ repository, dir, arch, arches }: SyncTarget, configPath: string): readonly [string, ...string[]] {
  return [
    ...DNF,
    `--config=${configPath}`,
    `--releasever=${/\d+$/.exec(repository.distro)?.[0] ?? repository.distro}`,
    ...(arch === hostArch() ? [] : [`--forcearch=${arch}`]),
    '--assumeyes', // to keys of a repository whose repodata is signed
    'reposync',
    `--repoid=${repository.id}`,
    `--download-path=${path.dirname(dir)}`,
    ...arches.map((name) => `--arch=${name}`),
    '--newest-only',
    '--delete',
  ]
}

function reposyncArgv(
  { repository, dir, arch }: SyncTarget,
  configPath: string,
  scratchDir: string,
): readonly [string, ...string[]] {
  return [
    'reposync',
    `--config=${configPath}`,
    `--repoid=${repository.id}`,
    `--download_path=${path.dirname(dir)}`,
    `--cachedir=${path.join(scratchDir, 'cache')}`,
    `--arch=${arch}`,
    '--newest-only',
    '--delete',
  ]
}

/** The user's own `[main]` as far as it is about repositories, ours before it, and the repository's section. */
function configFor({ config, repository }: SyncTarget, scratchDir: string): string {
  const main = [...(config.sections.get('main') ?? [])].filter(([key]) => !OF_THE_HOST.has(key))
  const section = [...repository.options].filter(([key]) => !OURS.has(key))
  return [
    ownMain(scratchDir),
    ...main.map(line),
    `[${repository.id}]\n`,
    'enabled=1\n', // as for --repoid
    'skip_if_unavailable=0\n', // it would pass for an empty one
    ...(repository.options.has('name') ? [] : [`name=${repository.id}\n`]),
    ...section.map(line),
  ].join('')
}

/** What `ownMain` says, and what would lead dnf to other places of this host. */
const OF_THE_HOST = new Set([
  ...['cachedir', 'persistdir', 'logdir', 'logfile', 'reposdir', 'varsdir', 'pluginconfpath', 'plugins'],
  ...['pluginpath', 'installroot', 'system_cachedir', 'keepcache', 'releasever', 'enabled', 'skip_if_unavailable'],
])
const OURS = new Set(['enabled', 'skip_if_unavailable'])

function line([key, value]: readonly [string, string]): string {
  return `${key}=${value.replace(/\n/g, '\n  ')}\n`
}

function programFailed({ repository }: SyncTarget, program: string, stdout: string, stderr: string): LagoError {
  const said = stderr.trim() === '' ? reasonsIn(stdout) : lastLines(stderr, 3).flatMap(reasonIn)
  return new LagoError(
    'LAGO_COMMAND_FAILED',
    `${program} could not copy the repository ${repository.id}: ${said.join('; ') || 'it did not say why'}`,
    {
      hint: 'check its baseurl, mirrorlist or metalink, and whether its server has all that its repodata lists',
      data: { program, repository: repository.id, output: lastLines(`${stdout}\n${stderr}`, 200).join('\n') },
    },
  )
}

/** Without the marks of a list, and without the heading of one. */
function reasonIn(line: string): string[] {
  const reason = line.replace(/^[-\s]+/, '')
  return reason.endsWith(':') ? [] : [reason]
}

/** dnf tells what each mirror did wrong, again and again, between how far its downloads are. */
function reasonsIn(stdout: string): string[] {
  const lines = lastLines(stdout, 200)
  const reasons = lines.flatMap((line) => /^\[MIRROR\] (.*)/.exec(line)?.[1] ?? [])
  return [...new Set(reasons.length === 0 ? lines.flatMap(reasonIn) : reasons)].slice(-3)
}
