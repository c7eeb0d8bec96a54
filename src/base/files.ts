/** Writing files so that a reader sees the old content or the new, never a half; making directories. */
import { chmod, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from './errors.js'

export interface WriteOptions {
  /** Default 0o644. */
  readonly mode?: number
  /** False: not forced onto the disk. Default true. */
  readonly sync?: boolean
}

/**
 * Writes to a temporary name beside `filePath`, syncs, renames.
 * On any failure the old file is untouched; the error names a file also when the system does not, as for a full disk.
 */
export async function writeFileAtomic(
  filePath: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const temporaryPath = temporaryPathFor(filePath)
  try {
    const file = await open(temporaryPath, 'wx', options.mode ?? 0o644)
    try {
      await file.writeFile(content)
      if (options.sync !== false) await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporaryPath, filePath)
  } catch (error) {
    await rm(temporaryPath, { force: true })
    if (isSystemError(error, 'ENOSPC', 'EDQUOT', 'EFBIG', 'EIO')) error.path ??= filePath
    throw error
  }
}

/**
 * `mkdir -p`; `mode` as of mkdir(2), default 0o755: whatever the umask, others cannot write. Gives the first directory
 * that it made. Node's own does not end where a file system refuses with ENOENT, as /proc does.
 */
export async function makeDirs(dir: string, mode = 0o755): Promise<string | undefined> {
  if (await makeDir(dir, mode, 'ENOENT')) return dir
  if (await isDirectory(dir)) return undefined
  const first = await makeDirs(path.dirname(dir), mode)
  return (await makeDir(dir, mode)) ? (first ?? dir) : first
}

/**
 * The same for directories on the way to something that another user of this host opens by its name, as qemu's does
 * images: those that are made can be passed by everybody, whatever the umask.
 */
export async function makePassableDirs(dir: string): Promise<string | undefined> {
  const first = await makeDirs(dir)
  if (first !== undefined)
    for (let made = dir; made.length >= first.length; made = path.dirname(made))
      await chmod(made, ((await stat(made)).mode & 0o7777) | 0o111)
  return first
}

/**
 * `mkdir -p` for a directory that the users of a group share: group-writable against the umask, with the setgid bit that
 * it may have from its parent. What is there already stays as it is.
 */
export async function makeSharedDirs(dir: string): Promise<void> {
  const first = await makeDirs(dir, 0o775)
  if (first === undefined) return
  for (let made = dir; made.startsWith(first); made = path.dirname(made)) {
    const { mode } = await stat(made)
    await chmod(made, (mode & 0o7000) | 0o775)
  }
}

/** False when it is there, or when the error is the one that is `awaited`. */
async function makeDir(dir: string, mode: number, awaited?: 'ENOENT'): Promise<boolean> {
  try {
    await mkdir(dir, { mode })
    return true
  } catch (error) {
    if (isSystemError(error, 'EEXIST') && (await isDirectory(dir))) return false
    if (awaited !== undefined && isSystemError(error, awaited) && path.dirname(dir) !== dir) return false
    throw error
  }
}

async function isDirectory(dir: string): Promise<boolean> {
  return stat(dir).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
}

/** JSON as upstream writes it: indent 4, no final newline (spec 2.2). */
export async function writeJsonAtomic(filePath: string, value: unknown, options: WriteOptions = {}): Promise<void> {
  await writeFileAtomic(filePath, JSON.stringify(value, undefined, 4), options)
}

/** A name in the same directory that no other process of this host uses. */
export function temporaryPathFor(filePath: string): string {
  return path.join(path.dirname(filePath), `.${path.basename(filePath)}.${process.pid}.${++temporaryCount}.tmp`)
}

let temporaryCount = 0

/** Whether it may be one of `temporaryPathFor`. */
export function isTemporaryName(name: string): boolean {
  return /^\..+\.\d+\.\d+\.tmp$/.test(name)
}

/**
 * Removes what writers that were killed left in `dir`. To be called under the lock that all its writers take; where they
 * take none, with an age that no file has that is still being written.
 */
export async function removeTemporaries(dir: string, { olderThanMs }: { olderThanMs?: number } = {}): Promise<void> {
  for (const name of (await readdir(dir).catch(() => [])).filter(isTemporaryName)) {
    const file = path.join(dir, name)
    if (olderThanMs === undefined || (await isOlder(file, olderThanMs))) await rm(file, { force: true })
  }
}

async function isOlder(file: string, ageMs: number): Promise<boolean> {
  return lstat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs > ageMs,
    () => false, // it has its name now
  )
}
