import { EventEmitter, once } from 'node:events'
import type { LagoEvent } from '../../src/base/events.js'
import { createTask, type Task } from '../../src/base/task.js'

type LogEvent = Extract<LagoEvent, { type: 'log' }>

export interface RecordedTask {
  readonly task: Task
  /** Messages of the log events so far; of `level` only, where it is given. */
  messages(level?: LogEvent['level']): string[]
  /** The first log message that `pattern` matches, as soon as there is one. */
  message(pattern: RegExp): Promise<string>
  abort(reason?: unknown): void
}

/** A root task that remembers what it was told and can be aborted. */
export function recordedTask(): RecordedTask {
  const events: LagoEvent[] = []
  const controller = new AbortController()
  const emitted = new EventEmitter()
  const messages = (level?: LogEvent['level']): string[] =>
    events.flatMap((event) => (event.type === 'log' && (level ?? event.level) === event.level ? [event.message] : []))
  const sink = {
    emit: (event: LagoEvent) => {
      events.push(event)
      emitted.emit('event')
    },
    close: async () => undefined,
  }
  return {
    task: createTask(sink, { signal: controller.signal }),
    messages,
    async message(pattern) {
      for (;;) {
        const found = messages().find((text) => pattern.test(text))
        if (found !== undefined) return found
        await once(emitted, 'event')
      }
    },
    abort: (reason) => controller.abort(reason),
  }
}
