/** What every group of rows works with. Whatever a group makes, it puts on `undo` before making it. */
import type { Table } from './table.js'

export interface Bench {
  readonly rounds: number
  /** Scratch directory of this run, which is removed at its end. */
  readonly place: string
  /** Fires on Ctrl-C; what runs then ends with it. */
  readonly signal: AbortSignal
  readonly table: Table
  /** Done last first when a group ends, however it ends, with a signal that has not fired. */
  readonly undo: ((bench: Bench) => Promise<unknown>)[]
}

export interface Group {
  /** `BENCH_ONLY` is looked for in here. */
  readonly name: string
  run(bench: Bench): Promise<void>
}
