/** JSON as Python's json module writes it with sorted keys, an indent of 4 and ASCII only (spec 1.11). */
import { sortKeys } from './python-text.js'

export function formatJson(value: unknown): string {
  const text = JSON.stringify(sortKeys(value) ?? null, undefined, 4)
  return text.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
