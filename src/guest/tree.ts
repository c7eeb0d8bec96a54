/** Directory trees whose names need not be UTF-8. */
import { randomBytes } from 'node:crypto'
import type { Dirent, Stats } from 'node:fs'
import {
  chmod,
  constants,
  copyFile,
  lstat,
  lutimes,
  mkdir,
  readdir,
  readlink,
  rename,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises'
import { isSystemError, LagoError } from '../base/errors.js'

const SLASH = Buffer.from('/')

export function joinBytes(dir: Buffer, name: Buffer): Buffer {
  return Buffer.concat([dir, SLASH, name])
}

/** Does nothing when it is not there. Links are removed, not followed. */
export async function removeTree(dir: Buffer): Promise<void> {
  const entry = await lstatIfThere(dir)
  if (entry === undefined) return
  if (!entry.isDirectory()) return unlink(dir)
  for (const child of await children(dir)) {
    const file = joinBytes(dir, child.name)
    await (child.isDirectory() ? removeTree(file) : unlink(file))
  }
  await rmdir(dir)
}

/**
 * Moves what is in `from` into the directory `to`, by renaming. Files and links that are there already are replaced,
 * directories are merged; links in `to` are never followed. What lies on another file system is copied there first.
 * Throws `LAGO_FILE` where a directory meets something else.
 */
export async function mergeTree(from: Buffer, to: Buffer): Promise<void> {
  for (const child of await children(from)) {
    const [source, target] = [joinBytes(from, child.name), joinBytes(to, child.name)]
    const there = await lstatIfThere(target)
    if (there !== undefined && there.isDirectory() !== child.isDirectory())
      throw inTheWay(target, { isDirectory: there.isDirectory() })
    if (there?.isDirectory() === true) await mergeTree(source, target)
    else await move(source, target)
  }
  await rmdir(from)
}

async function move(source: Buffer, target: Buffer): Promise<void> {
  await rename(source, target).catch(async (error: unknown) => {
    if (!isSystemError(error, 'EXDEV')) throw error
    await moveAcross(source, target)
  })
}

/** `target` is no directory. */
async function moveAcross(source: Buffer, target: Buffer): Promise<void> {
  const { mode, atimeMs, mtimeMs, ...entry } = await lstat(source).then((stats) => ({
    mode: stats.mode & 0o777,
    atimeMs: stats.atimeMs,
    mtimeMs: stats.mtimeMs,
    isDirectory: stats.isDirectory(),
    isLink: stats.isSymbolicLink(),
  }))
  if (entry.isDirectory) {
    await mkdir(target, { mode: 0o700 })
    await mergeTree(source, target)
    await chmod(target, mode)
    return
  }
  const temporary = Buffer.concat([target.subarray(0, target.lastIndexOf(SLASH) + 1), temporaryName()])
  try {
    if (entry.isLink) await symlink(await readlink(source, 'buffer'), temporary)
    else await copyFile(source, temporary, constants.COPYFILE_EXCL)
    await lutimes(temporary, atimeMs / 1000, mtimeMs / 1000)
    await rename(temporary, target)
  } catch (error) {
    await unlink(temporary).catch(() => undefined) // not made, or gone
    throw error
  }
  await unlink(source)
}

/** Hidden, and nobody can know it beforehand. */
export function temporaryName(): Buffer {
  return Buffer.from(`.lago-${randomBytes(6).toString('hex')}`)
}

export async function lstatIfThere(file: Buffer | string): Promise<Stats | undefined> {
  return lstat(file).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
}

async function children(dir: Buffer): Promise<Dirent<Buffer>[]> {
  return readdir(dir, { withFileTypes: true, encoding: 'buffer' })
}

/** `isDirectory`: what is there. */
export function inTheWay(target: Buffer | string, { isDirectory }: { readonly isDirectory: boolean }): LagoError {
  const what = isDirectory ? 'is a directory' : 'is not a directory'
  return new LagoError('LAGO_FILE', `cannot write ${target.toString()}: what is there ${what}`, {
    hint: 'remove it, or copy to another place',
    data: { path: target.toString() },
  })
}
