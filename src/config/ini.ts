/** INI files as Python's configparser reads them, without interpolation: `%` and `$` stand for themselves. */
import { LagoError } from '../base/errors.js'

/** Section to key to value; keys are in lower case, sections as written. */
export type IniSections = ReadonlyMap<string, ReadonlyMap<string, string>>

/**
 * Sections, `key = value` or `key: value`, full-line comments with `#` or `;`, and lines indented deeper than their key
 * that continue its value.
 *
 * Throws `LAGO_USAGE` with file and line for anything else, for a key or a section given twice, and for a key before
 * the first section.
 */
export function parseIni(text: string, filePath: string): IniSections {
  const sections = new Map<string, Map<string, string>>()
  let section: { readonly name: string; readonly values: Map<string, string> } | undefined
  let open: { readonly key: string; readonly indent: number } | undefined
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const fail = (problem: string): LagoError => iniError(filePath, index + 1, problem)
    const content = line.trim()
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue
    const indent = line.length - line.trimStart().length
    if (section !== undefined && open !== undefined && indent > open.indent) {
      section.values.set(open.key, `${section.values.get(open.key)}\n${content}`.trimStart())
      continue
    }
    const header = /^\[([^\]]+)\]/.exec(content)?.[1]
    if (header !== undefined) {
      if (sections.has(header)) throw fail(`section [${header}] is given twice`)
      section = { name: header, values: new Map() }
      sections.set(header, section.values)
      open = undefined
      continue
    }
    const [, rawKey, value] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(content) ?? []
    if (rawKey === undefined || value === undefined) throw fail(`"${content}" is neither [section] nor key = value`)
    if (section === undefined) throw fail(`"${rawKey}" stands before the first [section]`)
    const key = rawKey.toLowerCase()
    if (section.values.has(key)) throw fail(`"${key}" is given twice in [${section.name}]`)
    section.values.set(key, value)
    open = { key, indent }
  }
  return sections
}

function iniError(file: string, line: number, problem: string): LagoError {
  return new LagoError('LAGO_USAGE', `${file}:${line}: ${problem}`, { data: { file, line } })
}
