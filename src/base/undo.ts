/**
 * Roll-back: `await using undo = new UndoStack(task)`, `undo.defer(...)` right after each acquisition, `undo.commit()`
 * at the end. Without the commit everything deferred runs, last first, even when the task was aborted.
 */
import { factsOf, messageOf } from './errors.js'
import type { Task } from './task.js'

const UNDO_GRACE_MS = 60_000

export class UndoStack implements AsyncDisposable {
  #steps: { readonly title: string; readonly undo: (task: Task) => Promise<void> }[] = []
  readonly #task: Task

  constructor(task: Task) {
    this.#task = task
  }

  defer(title: string, undo: (task: Task) => Promise<void>): void {
    this.#steps.unshift({ title, undo })
  }

  commit(): void {
    this.#steps = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const steps = this.#steps
    this.#steps = []
    for (const { title, undo } of steps) {
      await this.#task
        .shielded(UNDO_GRACE_MS, async (task) => task.step(`Undo: ${title}`, undo))
        .catch((error: unknown) =>
          this.#task.log('error', `undo failed: ${title}: ${messageOf(error)}`, factsOf(error)),
        )
    }
  }
}
