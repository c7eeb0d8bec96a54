/** Which prefix a verb works on, from the options and the directory in which it was called (spec 1.5). */
import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { LagoError } from '../base/errors.js'
import { isOldPrefix } from '../base/prefix-era.js'
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

export interface FindOptions {
  /** A prefix that was named, or stood in, will do without the marks that `cleanup` has taken away. Default false. */
  readonly orCleaned?: boolean
}

/**
 * The prefix to work on.
 *
 * A prefix is taken directly with `--prefix-path`, or when `cwd` is itself one, or lies in one of era 0.x, and no workdir was
 * asked for; else it is looked up by name in the workdir. Throws `LAGO_NO_PREFIX` or `LAGO_NO_WORKDIR`.
 */
export async function findPrefix(place: Config['place'], cwd: string, options: FindOptions = {}): Promise<Place> {
  const bare = await findBarePrefix(place, cwd, options)
  if (bare !== undefined) return bare
  const workdir = await findWorkdir(place, cwd)
  const dir = prefixDir(workdir, place.prefixName)
  return { prefixDir: await realpath(dir), workdir, givenPath: dir }
}

/**
 * The prefix that needs no workdir: see `findPrefix`. Throws `LAGO_NO_PREFIX` when `--prefix-path` leads to none, or `cwd` is in
 * one that was cleaned up.
 */
export async function findBarePrefix(
  { prefixPath, workdirPath }: Config['place'],
  cwd: string,
  { orCleaned = false }: FindOptions = {},
): Promise<Place | undefined> {
  if (prefixPath !== undefined) return findByPath(path.resolve(cwd, prefixPath), orCleaned)
  if (workdirPath !== undefined) return undefined
  const dir = (await isPrefix(cwd)) ? cwd : await oldPrefixAround(cwd)
  if (dir !== undefined) return placeAt(dir)
  const cleaned = await cleanedPrefixAround(cwd)
  if (cleaned === undefined) return undefined
  if (!orCleaned) throw cleanedUp(cleaned)
  return placeAt(cleaned)
}

/** The workdir at, or above, the place given. Throws `LAGO_NO_WORKDIR`, naming workdirs and prefixes found below. */
export async function findWorkdir(place: Config['place'], cwd: string): Promise<Workdir> {
  const start = path.resolve(cwd, place.workdirPath ?? '.')
  for (const candidate of [start, ...lagoDirsUpwards(start), ...dirsAbove(start)])
    if (await isWorkdir(candidate)) return withExistingCurrent(await readWorkdir(candidate))
  const [below, prefixes] = [await workdirsBelow(start), await oldPrefixesBelow(start)]
  const found = [
    ...(below.length > 0 ? [`\nFound possible workdirs in: ${below.join(', ')}`] : []),
    ...(prefixes.length > 0 ? [`\nFound possible prefixes in: ${prefixes.join(', ')}`] : []),
  ]
  throw new LagoError('LAGO_NO_WORKDIR', `Unable to find workdir in ${start}${found.join('')}`, {
    hint:
      prefixes.length > 0
        ? 'run inside one of them, or pass --prefix-path'
        : 'run inside a workdir, or pass --workdir-path; lago init makes one',
    data: { start, below, prefixes },
  })
}

async function findByPath(start: string, orCleaned: boolean): Promise<Place> {
  for (const candidate of [start, ...lagoDirsUpwards(start)]) if (await isPrefix(candidate)) return placeAt(candidate)
  if (await isCleaned(start)) {
    if (!orCleaned) throw cleanedUp(start)
    return placeAt(start)
  }
  throw new LagoError('LAGO_NO_PREFIX', `Unable to find prefix for ${start}`, {
    hint: 'run inside a workdir or pass --workdir-path',
    data: { start },
  })
}

async function placeAt(dir: string): Promise<Place> {
  return { prefixDir: await realpath(dir), workdir: undefined, givenPath: dir }
}

/** One of a workdir is found by its name, as upstream does (spec 1.5). No workdir that is farther away is meant. */
async function cleanedPrefixAround(cwd: string): Promise<string | undefined> {
  for (const dir of [cwd, ...dirsAbove(cwd)]) {
    if ((await isWorkdir(dir)) || (await isWorkdir(path.join(dir, LAGO_DIR)))) return undefined
    if (await isCleaned(dir)) return (await isWorkdir(path.dirname(dir))) ? undefined : dir
  }
  return undefined
}

function cleanedUp(dir: string): LagoError {
  return new LagoError('LAGO_NO_PREFIX', `the prefix ${dir} was cleaned up: nothing can be done with it any more`, {
    hint: 'its files can be looked at; lago destroy removes it',
    data: { dir },
  })
}

/** In era 0.x one had to stand in the prefix; below it will do, unless a workdir is nearer. */
async function oldPrefixAround(cwd: string): Promise<string | undefined> {
  for (const dir of [cwd, ...dirsAbove(cwd)]) {
    if (await isOldPrefix(dir)) return dir
    if ((await isWorkdir(dir)) || (await isWorkdir(path.join(dir, LAGO_DIR)))) return undefined
  }
  return undefined
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
  const isMarked = await stat(path.join(dir, MARKER)).then(
    (entry) => entry.isFile(),
    () => false,
  )
  return isMarked || (await isOldPrefix(dir))
}

/** What `cleanup` leaves of a prefix, or a verb that was killed. */
async function isCleaned(dir: string): Promise<boolean> {
  if (await pathExists(path.join(dir, 'virt', 'under-way'))) return true
  return (await pathExists(path.join(dir, 'uuid'))) && (await pathExists(path.join(dir, 'virt', 'env')))
}

async function workdirsBelow(dir: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await dirsIn(dir))
    for (const candidate of [path.join(dir, name), path.join(dir, name, LAGO_DIR)])
      if (await pathExists(path.join(candidate, 'current', 'uuid'))) found.push(path.relative(dir, candidate))
  return found.sort()
}

/** Names of the prefixes of era 0.x directly in `dir`. */
export async function oldPrefixesBelow(dir: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await dirsIn(dir)) if (await isOldPrefix(path.join(dir, name))) found.push(name)
  return found.sort()
}

async function dirsIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}
