/** How far one VM has come in a wait, and what was seen last. */
import { EventEmitter, once } from 'node:events'
import type { Task } from '../base/task.js'

export interface ReachedRung {
  /** As users write it: `kernel`, `unit:sshd`. */
  readonly rung: string
  /** Since the wait began. */
  readonly afterMs: number
}

/** The wait is over without success; becomes `LAGO_NOT_READY` when everything else is known. */
export class GivenUp extends Error {
  readonly hint: string | undefined

  constructor(why: string, hint?: string) {
    super(why)
    this.hint = hint
  }
}

export class Progress {
  readonly #startedAt = performance.now()
  readonly #reached = new Map<string, number>()
  readonly #events = new EventEmitter()
  #aim: string | undefined
  #last: { readonly text: string; readonly times: number } | undefined

  get afterMs(): number {
    return Math.round(performance.now() - this.#startedAt)
  }

  /** In the order in which they were reached. */
  get rungs(): readonly ReachedRung[] {
    return [...this.#reached].map(([rung, afterMs]) => ({ rung, afterMs }))
  }

  has(rung: string): boolean {
    return this.#reached.has(rung)
  }

  /** The first time counts. Who answers has a kernel. */
  reach(rung: string): void {
    if (rung !== 'running' && rung !== 'kernel') this.reach('kernel')
    if (this.has(rung)) return
    this.#reached.set(rung, this.afterMs)
    this.#events.emit(rung)
  }

  async reaching(task: Task, rung: string): Promise<void> {
    task.signal.throwIfAborted()
    if (this.has(rung)) return
    await once(this.#events, rung, { signal: task.signal }).catch((error: unknown) => {
      task.signal.throwIfAborted()
      throw error
    })
  }

  /** What is waited for from now on. */
  aim(rung: string): void {
    this.#aim = rung
  }

  /** Undefined: what was asked for. */
  get aimedAt(): string | undefined {
    return this.#aim
  }

  saw(text: string): void {
    this.#last = { text, times: text === this.#last?.text ? this.#last.times + 1 : 1 }
  }

  get lastSeen(): string | undefined {
    if (this.#last === undefined) return undefined
    const { text, times } = this.#last
    return times === 1 ? text : `${text} (${times} times)`
  }
}
