/** The rows, what was measured for each, and how they are printed. */
import os from 'node:os'

export type Way = 'lago' | 'byHand'

export type Aim = { readonly atMostMs: number } | { readonly atMostRatio: number }

export interface Row {
  note(way: Way, ms: number): void
  measure(way: Way, work: () => Promise<unknown>): Promise<void>
}

export interface Table {
  /** The row of this name; asked for again, it is the same. */
  row(what: string, aim?: Aim): Row
  print(rounds: number): void
}

interface Figures {
  readonly what: string
  readonly aim: Aim | undefined
  readonly lago: number[]
  readonly byHand: number[]
}

export function createTable(): Table {
  const rows = new Map<string, Figures>()
  return {
    row(what, aim) {
      const figures = rows.get(what) ?? { what, aim, lago: [], byHand: [] }
      rows.set(what, figures)
      const note = (way: Way, ms: number): void => void figures[way].push(ms)
      return {
        note,
        async measure(way, work) {
          const startedAt = performance.now()
          await work()
          note(way, performance.now() - startedAt)
        },
      }
    },
    print(rounds) {
      const measured = [...rows.values()].filter(({ lago, byHand }) => lago.length + byHand.length > 0)
      if (measured.length === 0) return
      const width = Math.max(24, ...measured.map(({ what }) => what.length)) + 2
      console.log(`\n${'work'.padEnd(width)}      lago   by hand   ratio        more   aim`)
      for (const figures of measured) console.log(line(figures, width))
      console.log(`\nmedians of ${rounds} round${rounds > 1 ? 's' : ''} or more; ${machine()}`)
    },
  }
}

function line({ what, aim, lago, byHand }: Figures, width: number): string {
  const [ours, theirs] = [median(lago), median(byHand)]
  const columns = [
    seconds(ours).padStart(10),
    seconds(theirs).padStart(10),
    orDash(ours / theirs, (ratio) => ratio.toFixed(2)).padStart(8),
    orDash(ours - theirs, (more) => `${Math.round(more)} ms`).padStart(12),
  ]
  return `${what.padEnd(width)}${columns.join('')}   ${verdict(aim, ours, theirs)}`.trimEnd()
}

function verdict(aim: Aim | undefined, ours: number, theirs: number): string {
  if (aim === undefined) return ''
  const isMet = 'atMostMs' in aim ? ours <= aim.atMostMs : ours / theirs <= aim.atMostRatio
  const text = 'atMostMs' in aim ? `${aim.atMostMs / 1000} s` : `ratio ${aim.atMostRatio}`
  return `${text}: ${isMet ? 'met' : 'missed'}`
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function seconds(ms: number): string {
  return orDash(ms, (ms) => `${(ms / 1000).toFixed(ms < 1000 ? 3 : 2)} s`)
}

function orDash(value: number, render: (value: number) => string): string {
  return Number.isNaN(value) ? '-' : render(value)
}

function machine(): string {
  return `${os.cpus()[0]?.model ?? 'unknown CPU'}, ${os.availableParallelism()} cores, load ${os.loadavg()[0]?.toFixed(1)}`
}
