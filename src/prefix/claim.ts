/** Who may work on a prefix directory: one process at a time. What a killed `init` left there is cleared first. */
import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { isSystemError, LagoError } from '../base/errors.js'
import { writeFileAtomic } from '../base/files.js'
import { acquireLock, withLock } from '../base/lock.js'
import type { Task } from '../base/task.js'
import { UndoStack } from '../base/undo.js'
import { isDescribed } from './files.js'
import type { PrefixLayout } from './layout.js'
import { readUnderWay } from './under-way.js'

const CLAIM_WAIT_MS = 30_000
/** A verb waits this long for another one that changes the same prefix. */
const PREFIX_WAIT_MS = 600_000

/**
 * Creates the directory with its uuid and gives its lock, to be held until the prefix is complete or gone again.
 *
 * What remains of an `init` that was killed is removed: files of a prefix without a description and without the mark
 * of a complete one, on which no process works; `free` is told whose it was. Throws `LAGO_PREFIX_EXISTS` for anything else that is there.
 */
export async function claimPrefixDir(
  task: Task,
  layout: PrefixLayout,
  uuid: string,
  free: (formerUuid: string) => Promise<void>,
): Promise<AsyncDisposable> {
  return withClaim(task, layout.dir, async () => {
    if (await isUnfinished(task, layout)) await removeLeftOver(task, layout, free)
    await using undo = new UndoStack(task)
    await makeDir(layout)
    undo.defer('remove the prefix directory', async () => rm(layout.dir, { recursive: true, force: true }))
    await chmod(layout.dir, 0o700) // whatever the umask; who runs the VMs is let in by let-in.ts
    await task.step('Generate prefix uuid', async () => writeFileAtomic(layout.uuid, uuid, { sync: false }))
    const lock = await lockPrefix(task, layout.dir)
    undo.commit()
    return lock
  })
}

/** Runs `work` while nobody else makes a prefix in `dir`, or clears away what is left of one. Throws `LAGO_LOCKED`. */
export async function withClaim<T>(task: Task, dir: string, work: () => Promise<T>): Promise<T> {
  const parent = path.dirname(dir)
  const claim = { path: parent, kind: 'directory', what: `directory ${parent}`, waitMs: CLAIM_WAIT_MS } as const
  return withLock(task, claim, work)
}

/** The lock that every verb holds while it changes a prefix. Throws `LAGO_LOCKED` naming the holder. */
export async function lockPrefix(task: Task, dir: string, waitMs = PREFIX_WAIT_MS): Promise<AsyncDisposable> {
  return acquireLock(task, { path: dir, kind: 'directory', what: `prefix ${dir}`, waitMs }).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT')) throw error
    throw new LagoError('LAGO_NO_PREFIX', `prefix ${dir} is not there any more`, { hint: 'lago list', cause: error })
  })
}

/** The names that a prefix has before its description is written. */
const EARLY_NAMES: readonly (keyof PrefixLayout)[] = [
  ...(['uuid', 'sshKey', 'sshPublicKey', 'metadata', 'images', 'virt', 'scripts', 'logs'] as const),
]

/** Whether an `init` that was killed has left the directory, on which nobody works, with nothing of others in it. */
export async function isUnfinished(task: Task, layout: PrefixLayout): Promise<boolean> {
  if (!(await pathExists(layout.dir))) return false
  return ((await isOfInit(layout)) || (await isEarly(layout))) && (await isUnlocked(task, layout))
}

async function isOfInit(layout: PrefixLayout): Promise<boolean> {
  return (await readUnderWay(layout))?.verb === 'init'
}

async function isEarly(layout: PrefixLayout): Promise<boolean> {
  if (await isDescribed(layout)) return false
  const names = await readdir(layout.dir).catch(() => undefined)
  const early = new Set(EARLY_NAMES.map((name) => path.basename(String(layout[name]))))
  return names !== undefined && names.every((name) => early.has(name) || name.endsWith('.tmp'))
}

async function isUnlocked(task: Task, layout: PrefixLayout): Promise<boolean> {
  const lock = await lockPrefix(task, layout.dir, 0).catch(() => undefined)
  await lock?.[Symbol.asyncDispose]()
  return lock !== undefined
}

async function removeLeftOver(
  task: Task,
  layout: PrefixLayout,
  free: (formerUuid: string) => Promise<void>,
): Promise<void> {
  task.log('warning', `removing what an interrupted init left in ${layout.dir}: it is done anew`)
  const uuid = await readFile(layout.uuid, 'utf8').catch(() => undefined)
  if (uuid !== undefined) await free(uuid.trim())
  await rm(layout.dir, { recursive: true })
}

async function makeDir(layout: PrefixLayout): Promise<void> {
  await mkdir(layout.dir).catch((error: unknown) => {
    if (!isSystemError(error, 'EEXIST')) throw error
    throw prefixExists(layout.dir, error)
  })
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
