/** How far a transfer is, in words. */
import { formatDuration } from '../../log/duration.js'

export interface Transfer {
  /** Bytes. */
  readonly done: number
  /** Bytes; undefined: not known. */
  readonly total: number | undefined
  /** Since its first byte. */
  readonly forMs: number
}

/** `42.0 MiB of 200.0 MiB (21 %), 12.3 MiB/s, 0:00:13 left` */
export function transferText({ done, total, forMs }: Transfer): string {
  const perMs = forMs > 0 ? done / forMs : 0
  const speed = `${mebibytes(perMs * 1000)}/s`
  if (total === undefined || total === 0) return `${mebibytes(done)}, ${speed}`
  const left = perMs > 0 ? `, ${duration((total - done) / perMs)} left` : ''
  return `${mebibytes(done)} of ${mebibytes(total)} (${Math.floor((done / total) * 100)} %), ${speed}${left}`
}

const BAR_CELLS = 20

/** `[=====>              ] `; nothing while the total is not known. */
export function transferBar({ done, total }: Pick<Transfer, 'done' | 'total'>): string {
  if (total === undefined || total === 0) return ''
  const full = Math.min(BAR_CELLS, Math.floor((done / total) * BAR_CELLS))
  return `[${'='.repeat(full)}${full < BAR_CELLS ? '>' : ''}${' '.repeat(Math.max(0, BAR_CELLS - full - 1))}] `
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}

/** Rounded up: what takes any time at all is not done. */
function duration(ms: number): string {
  return formatDuration(Math.ceil(Math.max(0, ms) / 1000) * 1000)
}
