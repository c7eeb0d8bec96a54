/** Waiting for something outside of us: always with a name, a limit, a pause between tries, and a memory of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { LagoError } from './errors.js'
import type { Task } from './task.js'

export interface WaitOptions {
  readonly timeoutMs: number
  /** Pause between two tries. */
  readonly everyMs: number
}

/** What one try found: the value that was awaited, or why it is not there yet. */
export type Probe<T> = { readonly value: T } | { readonly notYet: string }

/**
 * Tries `probe` until it gives a value.
 *
 * Throws `LAGO_TIMEOUT` with the tries folded into counted lines (`412 x connect ECONNREFUSED ...`), in the order in
 * which they were first seen. What `probe` throws is passed on at once. Stops with the task's signal.
 */
export async function waitUntil<T>(
  task: Task,
  what: string,
  probe: (task: Task) => Promise<Probe<T>>,
  options: WaitOptions,
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs
  const seen = new Map<string, number>()
  for (;;) {
    task.signal.throwIfAborted()
    const answer = await probe(task)
    if ('value' in answer) return answer.value
    seen.set(answer.notYet, (seen.get(answer.notYet) ?? 0) + 1)
    if (Date.now() + options.everyMs > deadline) throw timeoutError(what, options.timeoutMs, seen, answer.notYet)
    await pause(task, options.everyMs)
  }
}

/** Sleeps, and ends at once with the signal's reason when the task is aborted. */
export async function pause(task: Task, ms: number): Promise<void> {
  await sleep(ms, undefined, { signal: task.signal }).catch((error: unknown) => {
    task.signal.throwIfAborted()
    throw error
  })
}

function timeoutError(what: string, timeoutMs: number, seen: ReadonlyMap<string, number>, last: string): LagoError {
  const attempts = [...seen].map(([reason, count]) => `${count} x ${reason}`)
  return new LagoError(
    'LAGO_TIMEOUT',
    `${what} did not happen within ${timeoutMs / 1000} s: ${attempts.join('; ')}; last seen: ${last}`,
    { data: { what, timeoutMs, attempts: Object.fromEntries(seen), lastSeen: last } },
  )
}
