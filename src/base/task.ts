/**
 * The unit of work: the first parameter of everything that can take time.
 * It carries the abort signal, opens steps and logs, so time-outs, Ctrl-C and progress are one mechanism.
 */
import { setMaxListeners } from 'node:events'
import { LagoError } from './errors.js'
import type { EventSink, Level } from './events.js'
import { defaultJobs } from './parallelism.js'

export interface Task {
  /** Fires on Ctrl-C, SIGTERM and time-outs; its `reason` is what to throw. */
  readonly signal: AbortSignal
  /** How much of one kind of work is done side by side. */
  readonly jobs: number
  /** Runs `body` as a named step below this one and reports how it ended. */
  step<T>(title: string, body: (task: Task) => Promise<T>): Promise<T>
  log(level: Level, message: string, data?: unknown): void
  progress(done: number, total: number | undefined, unit: 'bytes' | 'items'): void
  /** A child that aborts with `LAGO_TIMEOUT` after `timeoutMs`; `what` names what was awaited. */
  within<T>(timeoutMs: number, what: string, body: (task: Task) => Promise<T>): Promise<T>
  /** A child that aborts when `signal` fires as well; its reason is what to throw. */
  until<T>(signal: AbortSignal, body: (task: Task) => Promise<T>): Promise<T>
  /** A child that ignores this task's abort, for undo; it is aborted by `graceMs` alone. */
  shielded<T>(graceMs: number, body: (task: Task) => Promise<T>): Promise<T>
}

export interface RootTaskOptions {
  readonly signal?: AbortSignal
  /** Milliseconds since the epoch; a test passes its own clock. */
  readonly now?: () => number
  /** Default: what fits this host. */
  readonly jobs?: number | undefined
}

export function createTask(sink: EventSink, options: RootTaskOptions = {}): Task {
  const { now = Date.now, jobs = defaultJobs() } = options
  const context = { sink, now, jobs, ids: { last: 0 } }
  return new StepTask(context, options.signal ?? new AbortController().signal, undefined)
}

/** True when the work ended because somebody asked it to, not because it failed. */
export function isCancelled(error: unknown): boolean {
  return error instanceof LagoError && error.code === 'LAGO_CANCELLED'
}

interface Context {
  readonly sink: EventSink
  readonly now: () => number
  readonly jobs: number
  readonly ids: { last: number }
}

class StepTask implements Task {
  readonly signal: AbortSignal
  readonly #context: Context
  readonly #stepId: number | undefined

  constructor(context: Context, signal: AbortSignal, stepId: number | undefined) {
    this.#context = context
    this.signal = signal
    setMaxListeners(0, signal) // Node warns of more than ten, and a task may well have more work than that in progress
    this.#stepId = stepId
  }

  get jobs(): number {
    return this.#context.jobs
  }

  async step<T>(title: string, body: (task: Task) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted()
    const { sink, now, ids } = this.#context
    const id = ++ids.last
    const startedAt = now()
    sink.emit({ at: startedAt, type: 'step.start', id, parent: this.#stepId, title })
    const end = (outcome: 'ok' | 'failed' | 'cancelled'): void => {
      const at = now()
      sink.emit({ at, type: 'step.end', id, outcome, durationMs: at - startedAt })
    }
    try {
      const result = await body(new StepTask(this.#context, this.signal, id))
      end('ok')
      return result
    } catch (error) {
      end(isCancelled(error) ? 'cancelled' : 'failed')
      throw error
    }
  }

  log(level: Level, message: string, data?: unknown): void {
    const { sink, now } = this.#context
    const extra = data === undefined ? {} : { data }
    sink.emit({ at: now(), type: 'log', step: this.#stepId, level, message, ...extra })
  }

  progress(done: number, total: number | undefined, unit: 'bytes' | 'items'): void {
    const { sink, now } = this.#context
    sink.emit({ at: now(), type: 'progress', step: this.#stepId, done, total, unit })
  }

  async within<T>(timeoutMs: number, what: string, body: (task: Task) => Promise<T>): Promise<T> {
    const limit = new AbortController()
    const abort = (): void => {
      limit.abort(
        new LagoError('LAGO_TIMEOUT', `${what} did not end within ${timeoutMs / 1000} s`, {
          data: { what, timeoutMs },
        }),
      )
    }
    const timer = setTimeout(abort, timeoutMs)
    try {
      return await this.until(limit.signal, body)
    } finally {
      clearTimeout(timer)
    }
  }

  async until<T>(signal: AbortSignal, body: (task: Task) => Promise<T>): Promise<T> {
    return body(new StepTask(this.#context, AbortSignal.any([this.signal, signal]), this.#stepId))
  }

  async shielded<T>(graceMs: number, body: (task: Task) => Promise<T>): Promise<T> {
    const free = new StepTask(this.#context, new AbortController().signal, this.#stepId)
    return free.within(graceMs, 'clean-up', body)
  }
}
