/** Which prefix a verb works on, from the options and the directory in which it was called (spec 1.5). */
import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { LagoError } from '../base/errors.js'
import type { Config } from '../config/types.js'
import { isWorkdir, prefixDir, readWorkdir, withExistingCurrent, type Workdir } from './workdir.js'

const LAGO_DIR = '.lago'
const MARKER = 'initialized'

export interface Place {
  /** Absolute, links resolved. */
  readonly prefixDir: string
  /** Undefined when the prefix was named by its path. */
  readonly workdir: Workdir | undefined
  /** As the user named it, before links were resolved: `destroy` removes a link, not its target. */
  readonly givenPath: string
}

/**
 * The prefix to work on.
 *
 * A prefix is taken directly with `--prefix-path`, or when `cwd` is itself one and no workdir was asked for; else it
 * is looked up by name in the workdir. Throws `LAGO_NO_PREFIX` or `LAGO_NO_WORKDIR`.
 */
export async function findPrefix(place: Config['place'], cwd: string): Promise<Place> {
  if (place.prefixPath !== undefined || (place.workdirPath === undefined && (await isPrefix(cwd))))
    return findByPath(path.resolve(cwd, place.prefixPath ?? '.'))
  const workdir = await findWorkdir(place, cwd)
  const dir = prefixDir(workdir, place.prefixName)
  return { prefixDir: await realpath(dir), workdir, givenPath: dir }
}

/** The workdir at, or above, the place given. Throws `LAGO_NO_WORKDIR`, naming workdirs found below. */
export async function findWorkdir(place: Config['place'], cwd: string): Promise<Workdir> {
  const start = path.resolve(cwd, place.workdirPath ?? '.')
  for (const candidate of [start, ...lagoDirsUpwards(start), ...dirsAbove(start)])
    if (await isWorkdir(candidate)) return withExistingCurrent(await readWorkdir(candidate))
  const below = await workdirsBelow(start)
  const found = below.length > 0 ? `\nFound possible workdirs in: ${below.join(', ')}` : ''
  throw new LagoError('LAGO_NO_WORKDIR', `Unable to find workdir in ${start}${found}`, {
    hint: 'run inside a workdir, or pass --workdir-path; lago init makes one',
    data: { start, below },
  })
}

async function findByPath(start: string): Promise<Place> {
  for (const candidate of [start, ...lagoDirsUpwards(start)])
    if (await isPrefix(candidate))
      return { prefixDir: await realpath(candidate), workdir: undefined, givenPath: candidate }
  throw new LagoError('LAGO_NO_PREFIX', `Unable to find prefix for ${start}`, {
    hint: 'run inside a workdir or pass --workdir-path',
    data: { start },
  })
}

/** `.lago` in `start` and in each directory above it, the root's own left out as upstream does. */
function lagoDirsUpwards(start: string): string[] {
  return [start, ...dirsAbove(start)].map((dir) => path.join(dir, LAGO_DIR))
}

/** Nearest first, without the root. */
function dirsAbove(start: string): string[] {
  const found: string[] = []
  for (let dir = path.dirname(start); dir !== path.dirname(dir); dir = path.dirname(dir)) found.push(dir)
  return found
}

async function isPrefix(dir: string): Promise<boolean> {
  return stat(path.join(dir, MARKER)).then(
    (entry) => entry.isFile(),
    () => false,
  )
}

async function workdirsBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  const found: string[] = []
  for (const name of entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name))
    for (const candidate of [path.join(dir, name), path.join(dir, name, LAGO_DIR)])
      if (await pathExists(path.join(candidate, 'current', 'uuid'))) found.push(path.relative(dir, candidate))
  return found.sort()
}
