/** Directory trees whose names need not be UTF-8. */
import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir, rename, rmdir, unlink } from 'node:fs/promises'
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
 * directories are merged; links in `to` are never followed.
 * Throws `LAGO_FILE` where a directory meets something else.
 */
export async function mergeTree(from: Buffer, to: Buffer): Promise<void> {
  for (const child of await children(from)) {
    const [source, target] = [joinBytes(from, child.name), joinBytes(to, child.name)]
    const there = await lstatIfThere(target)
    if (there !== undefined && there.isDirectory() !== child.isDirectory()) throw inTheWay(target, there)
    if (there?.isDirectory() === true) await mergeTree(source, target)
    else await rename(source, target)
  }
  await rmdir(from)
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

function inTheWay(target: Buffer, there: Stats): LagoError {
  const what = there.isDirectory() ? 'is a directory' : 'is not a directory'
  return new LagoError('LAGO_FILE', `cannot write ${target.toString()}: what is there ${what}`, {
    hint: 'remove it, or copy to another place',
    data: { path: target.toString() },
  })
}
