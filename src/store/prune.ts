/** Removing stored templates that no prefix uses. */
import { rm } from 'node:fs/promises'
import { LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { acquireLock } from '../base/lock.js'
import type { Task } from '../base/task.js'
import { IMPORTED } from './templates.js'
import type { StoredInfo } from './stored.js'
import { prefixDirOf, readUsers } from './users.js'

/**
 * Those that nobody misses: without a prefix that uses them, and to be had again. Images that were imported, and those of
 * which Lago does not know who uses them since another program has put them there, go only when they are named.
 */
export function prunable(stored: readonly StoredInfo[], isNamed: boolean): readonly StoredInfo[] {
  return stored.filter(({ ref, users, origin }) => {
    if (users.length > 0) return false
    return isNamed || (origin !== undefined && ref.repo !== IMPORTED)
  })
}

/** Throws `LAGO_TEMPLATE_IN_USE` for named templates that a prefix uses. */
export function requireUnused(stored: readonly StoredInfo[]): void {
  const used = stored.filter(({ users }) => users.length > 0)
  if (used.length === 0) return
  const lines = used.map(({ files, users }) => {
    return `template ${files.key} is used by ${users.map(prefixDirOf).join(', ')}`
  })
  throw new LagoError('LAGO_TEMPLATE_IN_USE', lines.join('\n'), {
    hint: 'lago destroy these environments first',
    data: { templates: used.map(({ files }) => files.key) },
  })
}

/**
 * Gives those that were removed. One that somebody has begun to use meanwhile, or that is being fetched, stays.
 * Throws `LAGO_PERMISSION`, and `LAGO_PARTIAL` with several failures.
 */
export async function pruneStored(task: Task, stored: readonly StoredInfo[]): Promise<readonly StoredInfo[]> {
  const removed = await fanOut(task, stored, async (info, task) => ((await remove(task, info)) ? [info] : []), {
    limit: 4,
  })
  return removed.flat()
}

async function remove(task: Task, { files }: StoredInfo): Promise<boolean> {
  const options = { path: files.lock, what: `template ${files.key}`, waitMs: 0 }
  await using _lock = await acquireLock(task, options).catch((error: unknown) => {
    if (error instanceof LagoError && error.code === 'LAGO_LOCKED') return undefined
    throw error
  })
  if (_lock === undefined || (await readUsers(files.users)).length > 0) {
    task.log('info', `template ${files.key} has come into use and stays`)
    return false
  }
  // the image first: without it nothing of the rest counts; the lock last, when there is nothing left to guard
  for (const file of [files.image, files.hash, files.metadata, files.origin, files.users, files.lock])
    await rm(file, { force: true })
  return true
}
