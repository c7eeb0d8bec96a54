/** Independent work side by side, with a limit, and every failure reported. */
import { LagoError, messageOf } from './errors.js'
import { isCancelled, type Task } from './task.js'

export interface FanOutOptions {
  /** How many run at once; default: as the task says. */
  readonly limit?: number
}

/**
 * Runs `work` for every item, `limit` at a time, and gives the results in the items' order.
 *
 * One failure does not stop the others; but once the task is aborted no further item is begun. A single failure is
 * thrown as it is. Several are thrown as one `LAGO_PARTIAL` that names each, with the causes in `data.failures`.
 */
export async function fanOut<T, R>(
  task: Task,
  items: readonly T[],
  work: (item: T, task: Task) => Promise<R>,
  options: FanOutOptions = {},
): Promise<R[]> {
  const results: R[] = new Array<R>(items.length)
  const failures: unknown[] = []
  let next = 0
  const runLane = async (): Promise<void> => {
    while (next < items.length && !task.signal.aborted) {
      const index = next++
      try {
        results[index] = await work(items[index] as T, task) // index < items.length
      } catch (error) {
        failures.push(error)
      }
    }
  }
  const lanes = Math.min(options.limit ?? task.jobs, items.length)
  await Promise.all(Array.from({ length: lanes }, runLane))
  if (failures.length > 0 && task.signal.aborted) failures.push(task.signal.reason)
  if (failures.length > 0) throw joinFailures(failures)
  task.signal.throwIfAborted()
  return results
}

/** More would hide the errors that they are for. */
const MOST_HINTS = 3

/** One error out of several; an abort outweighs what failed because of it. */
export function joinFailures(failures: readonly unknown[]): unknown {
  const cancelled = failures.find(isCancelled)
  if (cancelled !== undefined) return cancelled
  if (failures.length === 1) return failures[0]
  const texts = [...new Set(failures.map(messageOf))]
  const hints = failures.flatMap((failure) => (failure instanceof LagoError && failure.hint ? [failure.hint] : []))
  const hasLines = texts.some((text) => text.includes('\n'))
  return new LagoError('LAGO_PARTIAL', `${failures.length} failures: ${texts.join(hasLines ? '\n' : '; ')}`, {
    hint: hints.length === 0 ? undefined : [...new Set(hints)].slice(0, MOST_HINTS).join('; '),
    data: { failures: failures.map((failure) => ({ code: codeOf(failure), message: messageOf(failure) })) },
    cause: new AggregateError(failures),
  })
}

function codeOf(failure: unknown): string | undefined {
  return failure instanceof LagoError ? failure.code : undefined
}
