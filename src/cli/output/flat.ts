/** One line per leaf, `path/to/leaf: value`, for grep (spec 1.11); a list's scalars share its path, mappings in it are numbered. */
import { isMapping, pythonText, sortedEntries } from './python-text.js'

/** A top level `Prefix` is left out of the paths; a bare list of scalars is one item a line. */
export function formatFlat(value: unknown): string {
  const top = isMapping(value) && isMapping(value['Prefix']) ? value['Prefix'] : value
  if (Array.isArray(top) && !top.some(isCollection)) return top.map(pythonText).join('\n')
  return leaves(top, []).join('\n')
}

function leaves(value: unknown, path: readonly string[]): string[] {
  if (Array.isArray(value))
    return value.flatMap((item: unknown, index) => leaves(item, isCollection(item) ? [...path, String(index)] : path))
  if (isMapping(value)) return sortedEntries(value).flatMap(([key, item]) => leaves(item, [...path, key]))
  const text = pythonText(value)
  return [path.length === 0 ? text : `${path.join('/')}: ${text}`]
}

function isCollection(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
