/**
 * Files of a prefix hold the values that count: what the user gave, with what `init` decided put over it. What that
 * covers is kept beside, so that the init file's own values come back. Upstream's files have no such record: there
 * the values that count are all there is.
 */
import { has, mappingAt, textsAt, type JsonObject, type Stored } from './stored.js'

const RECORD = 'lago-given'

/** `given` with `decided` over it. A decided value of undefined takes the given one out. */
export function cover(given: JsonObject, decided: JsonObject): JsonObject {
  const keys = Object.keys(decided)
  const covered = filterKeys(given, (key) => keys.includes(key))
  const kept = filterKeys(given, (key) => !keys.includes(key))
  return definedOnly({ ...kept, ...decided, [RECORD]: { decided: keys, covered } })
}

/** The values as they were given; the very `stored` when there is no record of them. */
export function uncover(stored: Stored): Stored {
  if (!has(stored, RECORD)) return stored
  const record = mappingAt(stored, RECORD)
  const decided = [RECORD, ...textsAt(record, 'decided')]
  const kept = filterKeys(stored.values, (key) => !decided.includes(key))
  return { ...stored, values: { ...kept, ...mappingAt(record, 'covered').values } }
}

export function definedOnly(values: JsonObject): JsonObject {
  return filterKeys(values, (key) => values[key] !== undefined)
}

function filterKeys(values: JsonObject, keep: (key: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([key]) => keep(key)))
}
