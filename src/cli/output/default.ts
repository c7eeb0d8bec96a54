/** The format for people: `[Key]:` headings, four spaces a level, empty things left out (spec 1.11). */
import { isMapping, pythonText, sortedEntries, type Mapping } from './python-text.js'

const INDENT = '    '

export function formatDefault(value: unknown): string {
  return lines(value, '').join('\n')
}

function lines(value: unknown, indent: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => lines(item, indent))
  return isMapping(value) ? mappingLines(value, indent) : [indent + pythonText(value)]
}

function mappingLines(mapping: Mapping, indent: string): string[] {
  return sortedEntries(mapping).flatMap(([key, value]) => {
    if (isEmpty(value)) return []
    if (isMapping(value)) return [`${indent}[${key}]:`, ...mappingLines(value, indent + INDENT)]
    if (Array.isArray(value)) return [`${indent}${key}: `, ...lines(value, indent + INDENT)]
    return [`${indent}${key}: ${pythonText(value)}`]
  })
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return value === null || value === '' || (isMapping(value) && Object.keys(value).length === 0)
}
