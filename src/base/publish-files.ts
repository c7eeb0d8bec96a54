/** Files that appear in a directory together, or not at all. */
import { randomUUID } from 'node:crypto'
import { link, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { isSystemError, LagoError } from './errors.js'
import type { Task } from './task.js'
import { UndoStack } from './undo.js'

export interface Publication {
  /** Absolute; made when it is not there, but not its parents. */
  readonly dir: string
  /** The files that `fill` will write; those that are there already are told before anything is done. */
  readonly names: readonly string[]
  /** Replace what is there. */
  readonly force: boolean
  /** Told, before anything is made, what will be there that is of use only until the end: `removeUnfinished` takes it. */
  readonly onUnfinished?: (dirs: readonly string[]) => Promise<void>
}

/**
 * Gives `fill` an empty directory on the same file system, and moves what it wrote there to `dir`. When anything fails,
 * or is aborted, nothing new is in `dir` and what was there before is there again.
 *
 * Throws `LAGO_EXPORT_EXISTS` for names that are taken, and what `fill` throws.
 */
export async function publishFiles<T>(
  task: Task,
  { dir, names, force, onUnfinished }: Publication,
  fill: (toDir: string) => Promise<T>,
): Promise<T> {
  if (!force) await refuseTaken(dir, names)
  await using undo = new UndoStack(task)
  const ownDir = path.join(dir, `${UNFINISHED}${randomUUID()}`)
  await onUnfinished?.((await pathExists(dir)) ? [ownDir] : [ownDir, dir])
  if (await ensureDir(dir)) undo.defer(`remove ${dir}`, async () => rmdir(dir))
  undo.defer('remove unfinished files', async () => rm(ownDir, { recursive: true, force: true }))
  await mkdir(ownDir, { mode: 0o700 })
  const [newDir, oldDir] = [path.join(ownDir, 'new'), path.join(ownDir, 'old')]
  for (const made of [newDir, oldDir]) await mkdir(made)
  const result = await fill(newDir)
  task.signal.throwIfAborted()
  for (const name of (await readdir(newDir)).sort()) {
    const [fromPath, toPath, oldPath] = [newDir, dir, oldDir].map((place) => path.join(place, name)) as [
      string,
      string,
      string,
    ] // three in, three out
    if (force && (await moveAway(toPath, oldPath)))
      undo.defer(`put ${toPath} back`, async () => rename(oldPath, toPath))
    await linkNew(fromPath, toPath)
    undo.defer(`remove ${toPath}`, async () => rm(toPath))
  }
  undo.commit()
  await rm(ownDir, { recursive: true, force: true })
  return result
}

const UNFINISHED = '.lago-export-'

/** What `onUnfinished` was told of, after a run that was killed. Of other directories it takes only empty ones. */
export async function removeUnfinished(dir: string): Promise<void> {
  if (/^\.lago-export-[0-9a-f-]{36}$/.test(path.basename(dir))) return rm(dir, { recursive: true, force: true })
  await rmdir(dir).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT', 'ENOTEMPTY', 'ENOTDIR')) throw error
  })
}

async function refuseTaken(dir: string, names: readonly string[]): Promise<void> {
  const taken: string[] = []
  for (const name of names) if (await pathExists(path.join(dir, name))) taken.push(name)
  if (taken.length > 0) throw exists(dir, taken)
}

async function ensureDir(dir: string): Promise<boolean> {
  try {
    await mkdir(dir, { mode: 0o755 })
    return true
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false
    throw error
  }
}

async function moveAway(toPath: string, oldPath: string): Promise<boolean> {
  try {
    await rename(toPath, oldPath)
    return true
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false
    throw error
  }
}

/** Unlike a rename, a link replaces nothing that has come up meanwhile; not every file system has links. */
async function linkNew(fromPath: string, toPath: string): Promise<void> {
  try {
    await link(fromPath, toPath)
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) throw exists(path.dirname(toPath), [path.basename(toPath)], error)
    if (!isSystemError(error, 'EPERM', 'ENOTSUP', 'ENOSYS')) throw error
    await refuseTaken(path.dirname(toPath), [path.basename(toPath)])
    await rename(fromPath, toPath)
  }
}

function exists(dir: string, taken: readonly string[], cause?: unknown): LagoError {
  return new LagoError('LAGO_EXPORT_EXISTS', `the directory ${dir} already has: ${taken.join(', ')}`, {
    hint: 'name another directory with --dst-dir, or replace these files with --force',
    data: { dir, taken },
    cause,
  })
}
