/** Work that is done once for all who want its result: it belongs to none of them, and no one's abort is another's. */
import type { Task } from './task.js'
import { unlessAborted } from './unless-aborted.js'

/**
 * `work`, begun by the first call and shared by all. Its result is kept; a failure is not, so that the next call tries
 * again. A call ends with its own task's abort; that of the last one ends the work as well, and waits until it has ended.
 */
export function shareWork<T>(work: (task: Task) => Promise<T>): (task: Task) => Promise<T> {
  let current: Shared<T> | undefined
  const forget = (shared: Shared<T>): void => {
    if (current === shared) current = undefined
  }
  const begin = (task: Task): Shared<T> => {
    const abandoned = new AbortController()
    const result = task.shielded(NO_LIMIT_MS, async (task) => task.until(abandoned.signal, work))
    const shared = { result, abandoned, waiting: 0 }
    result.catch(() => forget(shared))
    return shared
  }
  return async (task) => {
    task.signal.throwIfAborted()
    const shared = (current ??= begin(task))
    shared.waiting++
    try {
      return await unlessAborted(task.signal, shared.result)
    } finally {
      if (--shared.waiting === 0 && task.signal.aborted) {
        forget(shared)
        shared.abandoned.abort(task.signal.reason)
        await shared.result.catch(() => undefined)
      }
    }
  }
}

interface Shared<T> {
  readonly result: Promise<T>
  readonly abandoned: AbortController
  waiting: number
}

/** The longest that a timer takes: those who wait have limits of their own. */
const NO_LIMIT_MS = 2 ** 31 - 1
