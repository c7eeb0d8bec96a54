import type { Kill } from './campaign.js'
import { VERBS } from './campaign.js'

/**
 * Every boundary of every verb first, as far as `runs` go, and random times for the rest; every third kill is followed
 * by another verb than the one that was killed. Grouped by verb, so that little time goes into getting ready.
 */
export function planKills(
  verbs: ReadonlyMap<string, { readonly boundaries: number; readonly tookMs: number }>,
  runs: number,
  random: () => number,
): readonly Kill[] {
  const names = [...verbs.keys()]
  const share = Math.floor(runs / names.length)
  let left = runs - share * names.length
  return names.flatMap((verb) => {
    const { boundaries, tookMs } = verbs.get(verb) ?? { boundaries: 0, tookMs: 0 }
    const count = share + (left-- > 0 ? 1 : 0)
    const points = spread(boundaries, Math.ceil(count * BOUNDARY_SHARE))
    const kills = Array.from({ length: count }, (_, index): Kill['at'] => {
      const boundary = points[index]
      return boundary === undefined ? { afterMs: Math.round(MIN_MS + random() * (tookMs - MIN_MS)) } : { boundary }
    })
    return kills.map((at, index) => ({
      verb,
      at,
      next: index % 3 === 2 ? Math.floor(random() * othersOf(verb)) : undefined,
    }))
  })
}

const BOUNDARY_SHARE = 0.7
/** Before this node itself has hardly begun. */
const MIN_MS = 60

/** At most `count` of 1 to `last`, evenly. */
function spread(last: number, count: number): number[] {
  if (count >= last) return Array.from({ length: last }, (_, index) => index + 1)
  return Array.from({ length: count }, (_, index) => 1 + Math.floor((index * last) / count))
}

function othersOf(verb: string): number {
  return VERBS[verb]?.others.length ?? 0
}

/** mulberry32: small, and the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
