/** How far a transfer is, on the last line of a terminal: it stands there while it lasts, and is gone afterwards. */
import type { EventSink, LagoEvent } from '../../base/events.js'

/** Shorter work is over before anybody could read it. */
const FROM_MS = 1000
const EVERY_MS = 250
const CLEAR_LINE = '\r\x1b[K'

export interface ProgressLine {
  readonly sink: EventSink
  /** For everything else that is written to the same terminal: the line makes room for it. */
  write(text: string): void
}

type Progress = Extract<LagoEvent, { type: 'progress' }>

/** Only for terminals: it moves. */
export function createProgressLine(writeRaw: (text: string) => void): ProgressLine {
  const startedAt = new Map<number | undefined, number>()
  let shownAt = 0
  let isShown = false
  const clear = (): void => {
    if (isShown) writeRaw(CLEAR_LINE)
    isShown = false
  }
  const show = (event: Progress): void => {
    const from = startedAt.get(event.step) ?? event.at
    startedAt.set(event.step, from)
    if (event.unit !== 'bytes' || event.at - from < FROM_MS || event.at - shownAt < EVERY_MS) return
    shownAt = event.at
    isShown = true
    writeRaw(`${CLEAR_LINE}${progressText(event, event.at - from)}`)
  }
  return {
    write(text) {
      clear()
      writeRaw(text)
    },
    sink: {
      emit(event) {
        if (event.type === 'progress') show(event)
        if (event.type !== 'step.end') return
        startedAt.delete(event.id)
        clear()
      },
      async close() {
        clear()
      },
    },
  }
}

/** `42.0 MiB of 200.0 MiB (21 %), 12.3 MiB/s` */
function progressText({ done, total }: Progress, forMs: number): string {
  const speed = `${mebibytes((done * 1000) / forMs)}/s`
  if (total === undefined || total === 0) return `${mebibytes(done)}, ${speed}`
  return `${mebibytes(done)} of ${mebibytes(total)} (${Math.floor((done / total) * 100)} %), ${speed}`
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}
