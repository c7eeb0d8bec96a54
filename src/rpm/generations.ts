/**
 * A directory whose content is replaced as a whole. `DIR` is a link to `.DIR-N` beside it, the N-th generation; to replace
 * the link is one step for whoever reads through it. One process at a time, whose lock is the caller's business.
 */
import { mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { UndoStack } from '../base/undo.js'

/** Absolute path of the generation that `dir` (absolute) is; a directory of another program is its own. */
export async function currentGeneration(dir: string): Promise<string | undefined> {
  try {
    return path.resolve(path.dirname(dir), await readlink(dir))
  } catch (error) {
    if (isSystemError(error, 'EINVAL')) return dir
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * Has `fill` make the next generation in an empty directory and puts it in the place of the last. That one stays for who
 * is on the way into it, until `removeStrays` or the next replacement. When it fails, all is as before.
 */
export async function replaceGeneration(
  task: Task,
  dir: string,
  fill: (newDir: string) => Promise<void>,
): Promise<void> {
  await removeStrays(dir)
  await using undo = new UndoStack(task)
  const before = await currentGeneration(dir)
  const newDir = path.join(path.dirname(dir), `${prefixOf(dir)}${before === dir ? 1 : numberOf(before) + 1}`)
  undo.defer(`remove ${newDir}`, async () => rm(newDir, { recursive: true, force: true }))
  await mkdir(newDir)
  await fill(newDir)
  task.signal.throwIfAborted()
  const newLink = `${newDir}.link`
  undo.defer(`remove ${newLink}`, async () => rm(newLink, { force: true }))
  await symlink(path.basename(newDir), newLink)
  if (before === dir) await moveAway(undo, dir) // no link yet: made by another program
  await rename(newLink, dir)
  undo.commit()
}

async function moveAway(undo: UndoStack, dir: string): Promise<void> {
  const oldDir = path.join(path.dirname(dir), `${prefixOf(dir)}0`)
  await rename(dir, oldDir)
  undo.defer(`put ${dir} back`, async () => rename(oldDir, dir))
}

/** Generations that are not, or no longer, in use: the last one, and what a run that was killed has left. */
export async function removeStrays(dir: string): Promise<void> {
  const current = await currentGeneration(dir)
  for (const name of await readdir(path.dirname(dir)).catch(() => [])) {
    const found = path.join(path.dirname(dir), name)
    const isOurs = name.startsWith(prefixOf(dir)) && /^\d+(\.link)?$/.test(name.slice(prefixOf(dir).length))
    if (isOurs && found !== current) await rm(found, { recursive: true, force: true })
  }
}

function prefixOf(dir: string): string {
  return `.${path.basename(dir)}-`
}

function numberOf(generation: string | undefined): number {
  return Number(/-(\d+)$/.exec(generation ?? '')?.[1] ?? 0)
}
