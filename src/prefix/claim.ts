/** Taking a directory for a new prefix: one process gets it, and what a killed `init` left there is cleared first. */
import { chmod, mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { isSystemError, LagoError } from '../base/errors.js'
import { acquireLock, withLock } from '../base/lock.js'
import type { Task } from '../base/task.js'
import type { UndoStack } from '../base/undo.js'
import type { PrefixLayout } from './layout.js'

/** qemu's user must get to the images by their names; nobody else needs to list what is there. */
const TRAVERSABLE = 0o711
const CLAIM_WAIT_MS = 30_000

/**
 * Creates the directory and gives its lock, to be held until the prefix is complete.
 *
 * A directory that has a uuid, but neither its description nor a process that works on it, is what remains of an
 * `init` that was killed; it is removed. Throws `LAGO_PREFIX_EXISTS` for anything else that is there.
 */
export async function claimPrefixDir(task: Task, layout: PrefixLayout, undo: UndoStack): Promise<AsyncDisposable> {
  const parent = path.dirname(layout.dir)
  const claim = { path: parent, kind: 'directory', what: `workdir ${parent}`, waitMs: CLAIM_WAIT_MS } as const
  return withLock(task, claim, async () => {
    if (await isLeftOver(task, layout)) await removeLeftOver(task, layout)
    await makeDir(layout)
    undo.defer('remove the prefix directory', async () => rm(layout.dir, { recursive: true, force: true }))
    return lockPrefix(task, layout.dir, 0)
  })
}

/** The lock that every verb holds while it changes a prefix. Throws `LAGO_LOCKED` naming the holder. */
export async function lockPrefix(task: Task, dir: string, waitMs: number): Promise<AsyncDisposable> {
  return acquireLock(task, { path: dir, kind: 'directory', what: `prefix ${dir}`, waitMs }).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT')) throw error
    throw new LagoError('LAGO_NO_PREFIX', `prefix ${dir} is not there any more`, { hint: 'lago list', cause: error })
  })
}

async function isLeftOver(task: Task, layout: PrefixLayout): Promise<boolean> {
  if (!(await pathExists(layout.uuid)) || (await pathExists(layout.env))) return false
  const lock = await lockPrefix(task, layout.dir, 0).catch(() => undefined)
  await lock?.[Symbol.asyncDispose]()
  return lock !== undefined
}

async function removeLeftOver(task: Task, layout: PrefixLayout): Promise<void> {
  task.log('warning', `removing what an interrupted init left in ${layout.dir}`)
  await rm(layout.dir, { recursive: true })
}

async function makeDir(layout: PrefixLayout): Promise<void> {
  await mkdir(layout.dir).catch((error: unknown) => {
    if (!isSystemError(error, 'EEXIST')) throw error
    throw prefixExists(layout.dir, error)
  })
  await chmod(layout.dir, TRAVERSABLE)
  await mkdir(layout.images)
  await chmod(layout.images, TRAVERSABLE)
}

function prefixExists(dir: string, cause: unknown): LagoError {
  const [name, workdir] = [path.basename(dir), path.dirname(dir)]
  return new LagoError(
    'LAGO_PREFIX_EXISTS',
    `Prefix with name ${name} already exists in workdir ${workdir}. ` +
      'Solution: specify a different prefix name or remove it.',
    { hint: `lago --prefix-name NAME init ..., or: lago --prefix-name ${name} destroy`, data: { dir }, cause },
  )
}
