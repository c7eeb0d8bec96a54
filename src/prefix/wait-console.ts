/** What a wait learns from a guest's console: whether a kernel runs, why it does not go on, the last lines. */
import type { Task } from '../base/task.js'
import { NOTE_MARK } from '../vm/console-log.js'
import { followConsoleLines, type ConsoleFollower } from './console-lines.js'
import { causeInLine, KERNEL_BEGINS, KERNEL_RUNS, moreTelling, PANIC_STAYS, type Cause } from './wait-causes.js'

const KEPT_LINES = 10

export interface ConsoleNews {
  onKernel(): void
  /** The kernel has stopped for good; the guest may have been brought back from an earlier time since. */
  onPanic(): void
}

export class ConsoleFindings {
  readonly #news: ConsoleNews
  #lines: readonly string[] = []
  #unfinished = ''
  #hasKernel = false
  #cause: Cause | undefined
  /** Of the boot before this one. */
  #formerCause: Cause | undefined

  constructor(news: ConsoleNews) {
    this.#news = news
  }

  async follow(task: Task, logPath: string): Promise<ConsoleFollower> {
    return followConsoleLines(task, logPath, (lines, unfinished) => this.take(lines, unfinished))
  }

  take(lines: readonly string[], unfinished: string): void {
    for (const line of lines) this.#takeLine(line)
    this.#unfinished = unfinished
    this.#look(unfinished)
    this.#lines = [...this.#lines, ...lines.filter((line) => line.trim() !== '')].slice(-KEPT_LINES)
  }

  /** At most ten, the last one perhaps unfinished; empty lines are left out. */
  get lastLines(): readonly string[] {
    return [...this.#lines, this.#unfinished].filter((line) => line.trim() !== '').slice(-KEPT_LINES)
  }

  /** Why this boot does not go on, else why the last one did not. */
  get cause(): Cause | undefined {
    return this.#cause ?? this.#formerCause
  }

  #takeLine(line: string): void {
    if (line.startsWith(NOTE_MARK)) this.#cause = this.#formerCause = undefined // the VM has gone back in time
    if (KERNEL_BEGINS.test(line)) [this.#formerCause, this.#cause] = [this.cause, undefined]
    this.#look(line)
    if (PANIC_STAYS.test(line)) this.#news.onPanic()
  }

  #look(line: string): void {
    const cause = causeInLine(line)
    if (cause !== undefined) this.#cause = moreTelling(this.#cause, cause)
    if (this.#hasKernel || !KERNEL_RUNS.some((pattern) => pattern.test(line))) return
    this.#hasKernel = true
    this.#news.onKernel()
  }
}
