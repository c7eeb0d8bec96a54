/** What a link is degraded by, beside upstream's keys in the entry of its nic. */
import type { LinkConditions } from '../plan/types.js'
import { definedOnly } from './given.js'
import { flagAt, has, mappingAt, wholeNumberAt, type JsonObject, type Stored } from './stored.js'

const KEY = 'lago-link'

export function encodeLink(link: LinkConditions | undefined): JsonObject {
  if (link === undefined) return {}
  const { isDown, rateBitsPerS, delayUs, jitterUs, lossPpm } = link
  return {
    [KEY]: definedOnly({
      down: isDown,
      rate_bits_per_s: rateBitsPerS,
      delay_us: delayUs,
      jitter_us: jitterUs,
      loss_ppm: lossPpm,
    }),
  }
}

/** Nothing for a nic of which nothing is kept. */
export function linkAt(nic: Stored): { readonly link?: LinkConditions } {
  const stored = mappingAt(nic, KEY)
  const number = <K extends string>(name: K, key: string): { readonly [P in K]?: number } =>
    // the object below has that one name
    has(stored, key) ? ({ [name]: wholeNumberAt(stored, key) } as { readonly [P in K]: number }) : {}
  const link: LinkConditions = {
    ...(flagAt(stored, 'down', false) ? { isDown: true } : {}),
    ...number('rateBitsPerS', 'rate_bits_per_s'),
    ...number('delayUs', 'delay_us'),
    ...number('jitterUs', 'jitter_us'),
    ...number('lossPpm', 'loss_ppm'),
  }
  return Object.keys(link).length === 0 ? {} : { link }
}
