/** Two cloud-configs as one. */

export type CloudConfig = Readonly<Record<string, unknown>>

/** Mappings are merged, lists follow one another, and in all else `theirs` has the last word. Changes neither. */
export function mergeCloudConfig(ours: CloudConfig, theirs: CloudConfig): CloudConfig {
  const merged = new Map(Object.entries(ours))
  for (const [key, value] of Object.entries(theirs)) merged.set(key, mergeValue(merged.get(key), value))
  return Object.fromEntries(merged)
}

function mergeValue(ours: unknown, theirs: unknown): unknown {
  if (Array.isArray(ours) && Array.isArray(theirs)) return [...(ours as unknown[]), ...(theirs as unknown[])]
  return isMapping(ours) && isMapping(theirs) ? mergeCloudConfig(ours, theirs) : theirs
}

export function isMapping(value: unknown): value is CloudConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
