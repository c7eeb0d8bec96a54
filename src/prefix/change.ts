/** How everything that changes a prefix gets at it: one at a time, with what stands in its files by then. */
import type { Task } from '../base/task.js'
import { lockPrefix } from './claim.js'
import type { Host } from './host.js'
import { noteEnvironment } from './known.js'
import { openPrefix, type Prefix } from './prefix.js'

/**
 * Runs `work` on the prefix in `dir` (absolute, links resolved) while holding its lock; the next one waits.
 * Throws `LAGO_LOCKED`, `LAGO_NO_PREFIX`, `LAGO_PREFIX_CORRUPT`, and what `work` throws.
 */
export async function changePrefix<T>(
  task: Task,
  host: Host,
  dir: string,
  work: (prefix: Prefix) => Promise<T>,
): Promise<T> {
  await using _lock = await lockPrefix(task, dir)
  const prefix = await openPrefix(dir)
  await noteEnvironment(task, host, { uuid: prefix.plan.uuid, dir }) // it may have been moved here
  return await work(prefix)
}
