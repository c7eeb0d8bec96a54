/**
 * What happened, as data: the only thing a renderer, a log file or a CI plugin sees.
 * Nobody reads log text to learn what happened.
 */
export type Level = 'debug' | 'info' | 'warning' | 'error'

export type LagoEvent = { readonly at: number } & (
  | { readonly type: 'step.start'; readonly id: number; readonly parent: number | undefined; readonly title: string }
  | {
      readonly type: 'step.end'
      readonly id: number
      readonly outcome: 'ok' | 'failed' | 'cancelled'
      readonly durationMs: number
    }
  | {
      readonly type: 'log'
      readonly step: number | undefined
      readonly level: Level
      readonly message: string
      readonly data?: unknown
    }
  | {
      readonly type: 'progress'
      readonly step: number | undefined
      readonly done: number
      readonly total: number | undefined
      readonly unit: 'bytes' | 'items'
    }
)

export interface EventSink {
  emit(event: LagoEvent): void
  close(): Promise<void>
}

/** One sink that passes every event on to several. */
export function fanOutSink(sinks: readonly EventSink[]): EventSink {
  return {
    emit(event) {
      for (const sink of sinks) sink.emit(event)
    },
    async close() {
      for (const sink of sinks) await sink.close()
    },
  }
}
