/** By what repositories are copied: programs that the host has, or our own reader. */
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import { findProgram, runCommand } from '../base/process.js'
import { makeScratchDir } from '../base/scratch-dir.js'
import type { Task } from '../base/task.js'

export const SYNC_WAYS = ['dnf', 'reposync', 'own'] as const
/** `reposync` is that of yum-utils. */
export type SyncWay = (typeof SYNC_WAYS)[number]

/** Of the host's plugins only the one that is needed. */
export const DNF: readonly [string, ...string[]] = ['dnf', '--disableplugin=*', '--enableplugin=reposync']

/** Throws `LAGO_USAGE` for another word, `LAGO_COMMAND_MISSING` for a program that is not here. */
export async function chooseSyncWay(task: Task, asked: string | undefined): Promise<SyncWay> {
  const way = SYNC_WAYS.find((known) => known === asked)
  if (asked && way === undefined)
    throw new LagoError('LAGO_USAGE', `LAGO_REPOSYNC is "${asked}", and may be ${SYNC_WAYS.join(', ')}`, {
      data: { asked },
    })
  if (way !== undefined) {
    if (way === 'own' || (await isUsable(task, way))) return way
    throw new LagoError('LAGO_COMMAND_MISSING', `"${PROGRAMS[way]}" is not on this host`, {
      hint: `install the package ${PACKAGES[way]}, or let LAGO_REPOSYNC be own`,
      data: { program: way },
    })
  }
  for (const known of ['dnf', 'reposync'] as const) if (await isUsable(task, known)) return known
  task.log('debug', 'neither "dnf reposync" nor "reposync" is here: repositories are read by Lago itself')
  return 'own'
}

const PROGRAMS = { dnf: 'dnf reposync', reposync: 'reposync' } as const
const PACKAGES = { dnf: 'dnf-plugins-core', reposync: 'yum-utils' } as const

async function isUsable(task: Task, way: 'dnf' | 'reposync'): Promise<boolean> {
  if ((await findProgram(way)) === undefined) return false
  return way === 'reposync' || hasPlugin(task)
}

/** Its directory for logs would be the host's without a configuration of its own. */
async function hasPlugin(task: Task): Promise<boolean> {
  const dir = await makeScratchDir('reposync')
  try {
    const configPath = path.join(dir, 'dnf.conf')
    await writeFile(configPath, ownMain(dir))
    const { exitCode } = await runCommand(task, [...DNF, `--config=${configPath}`, 'reposync', '--help'], {
      env: { HOME: dir },
      okCodes: [0, 1, 2], // dnf 5 ends so where it does not know an option of dnf 4
    })
    return exitCode === 0
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Nothing of the host is read, and nothing written outside of `dir` (dnf.conf(5), yum.conf(5)). */
export function ownMain(dir: string): string {
  const settings = {
    cachedir: path.join(dir, 'cache'),
    persistdir: path.join(dir, 'state'),
    logdir: path.join(dir, 'log'),
    logfile: path.join(dir, 'log/yum.log'),
    reposdir: path.join(dir, 'none'),
    varsdir: path.join(dir, 'none'),
    pluginconfpath: path.join(dir, 'none'),
    plugins: '1',
  }
  return `[main]\n${Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')}`
}
