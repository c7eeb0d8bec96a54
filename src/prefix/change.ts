/** How everything that changes a prefix gets at it: one at a time, with what stands in its files by then. */
import type { Task } from '../base/task.js'
import { lockPrefix } from './claim.js'
import type { Host } from './host.js'
import { noteEnvironment, refuseCopy } from './known.js'
import { settleInterrupted } from './interrupted.js'
import { openPrefix, type Prefix } from './prefix.js'
import { noteUnderWay, type Undertaking } from './under-way.js'

/**
 * Runs `work` on the prefix in `dir` (absolute, links resolved) while holding its lock; the next one waits. What a run
 * that was killed had begun is finished or undone first. `host` is asked for once the lock is held.
 * Throws `LAGO_LOCKED`, `LAGO_NO_PREFIX`, `LAGO_PREFIX_CORRUPT`, `LAGO_PREFIX_COPY`, and what finishing and `work` throw.
 */
export async function changePrefix<T>(
  task: Task,
  dir: string,
  { host, undertaking }: { readonly host: () => Promise<Host>; readonly undertaking: Undertaking },
  work: (prefix: Prefix) => Promise<T>,
): Promise<T> {
  await using _lock = await lockPrefix(task, dir)
  const found = await openPrefix(dir)
  await refuseCopy(await host(), { uuid: found.plan.uuid, dir })
  const prefix = await settleInterrupted(task, await host(), found, undertaking)
  await noteEnvironment(task, await host(), { uuid: prefix.plan.uuid, dir }) // it may have been moved here
  await using _note = await noteUnderWay(prefix.layout, undertaking)
  return await work(prefix)
}
