/** Shapes and scalars as upstream's formatters saw them. */

export type Mapping = Readonly<Record<string, unknown>>

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Python's `str()` of a scalar. */
export function pythonText(value: unknown): string {
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (value === null || value === undefined) return 'None'
  return String(value)
}

/** Entries sorted by key; what is undefined is not there. */
export function sortedEntries(mapping: Mapping): [string, unknown][] {
  return Object.entries(mapping)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The value with the keys of all mappings sorted. */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (!isMapping(value)) return value
  return Object.fromEntries(sortedEntries(value).map(([key, item]) => [key, sortKeys(item)]))
}
