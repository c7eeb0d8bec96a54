/** How far a transfer is, on the last line of a terminal: it stands there while it lasts, and is gone afterwards. */
import type { EventSink, LagoEvent } from '../../base/events.js'
import { transferBar, transferText, type Transfer } from './transfer-text.js'

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

interface Running {
  readonly startedAt: number
  last: Progress
}

/** Only for terminals: it moves. Of several transfers at once it shows the sum. */
export function createProgressLine(writeRaw: (text: string) => void): ProgressLine {
  const running = new Map<number | undefined, Running>()
  let shownAt = 0
  let isShown = false
  const clear = (): void => {
    if (isShown) writeRaw(CLEAR_LINE)
    isShown = false
  }
  const show = (event: Progress): void => {
    if (event.unit !== 'bytes') return
    const found = running.get(event.step)
    if (found === undefined) running.set(event.step, { startedAt: event.at, last: event })
    else found.last = event
    const transfer = sumOf([...running.values()], event.at)
    if (transfer.forMs < FROM_MS || event.at - shownAt < EVERY_MS) return
    shownAt = event.at
    isShown = true
    const several = running.size > 1 ? `${running.size} transfers: ` : ''
    writeRaw(`${CLEAR_LINE}${transferBar(transfer)}${several}${transferText(transfer)}`)
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
        running.delete(event.id)
        clear()
      },
      async close() {
        clear()
      },
    },
  }
}

function sumOf(running: readonly Running[], now: number): Transfer {
  const totals = running.map(({ last }) => last.total)
  return {
    done: running.reduce((sum, { last }) => sum + last.done, 0),
    total: totals.reduce((sum, total) => (sum === undefined || total === undefined ? undefined : sum + total), 0),
    forMs: now - Math.min(...running.map(({ startedAt }) => startedAt)),
  }
}
