/** Text to values: JSON first, else YAML, both as plain data only (spec 3.1). Knows nothing of the vocabulary. */
import { CORE_SCHEMA, load, mergeTag, YAMLException } from 'js-yaml'
import { quote } from './findings.js'
import { fileIssue, invalidInitFile } from './invalid.js'

/**
 * The value of the text. Aliases are not copied yet: what they name is shared, and may even contain itself.
 * Throws `LAGO_SPEC_INVALID` with line and column for what is neither JSON nor YAML, and for a key given twice.
 */
export function parseText(text: string, filePath: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    refuseWhatYamlRefuses(text, filePath)
    return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  try {
    return loadYaml(text)
  } catch (error) {
    throw error instanceof YAMLException ? syntaxError(text, filePath, error) : error
  }
}

// booleans are YAML 1.2's; the words of 1.1 (yes, on) arrive as texts, which the vocabulary takes for booleans
const PLAIN_DATA = CORE_SCHEMA.withTags(mergeTag)

function loadYaml(text: string): unknown {
  return load(text, { schema: PLAIN_DATA })
}

/**
 * JSON.parse keeps the last of two keys without a word, and nests without end, which not everything that looks at the
 * text later survives; the YAML parser reads JSON too and tells.
 */
function refuseWhatYamlRefuses(text: string, filePath: string): void {
  try {
    loadYaml(text)
  } catch (error) {
    if (error instanceof YAMLException && isRefused(error.reason)) throw syntaxError(text, filePath, error)
  }
}

function isRefused(reason: string): boolean {
  return reason === DUPLICATE_KEY || reason.startsWith('nesting exceeded')
}

const DUPLICATE_KEY = 'duplicated mapping key'

function syntaxError(text: string, filePath: string, error: YAMLException): Error {
  const { mark } = error
  if (mark === undefined) return invalidInitFile(filePath, [fileIssue(explainWithoutPlace(error.reason))], error)
  const place = { line: mark.line + 1, column: mark.column + 1 }
  const line = text.split(/\r\n|\n|\r/)[mark.line] ?? ''
  return invalidInitFile(
    filePath,
    [fileIssue(`${explain(error.reason, line, mark.column)}${excerpt(line, mark.column)}`, place)],
    error,
  )
}

function explainWithoutPlace(reason: string): string {
  if (reason.includes('input is empty')) return 'the file is empty; expected the keys domains and nets'
  if (reason.includes('more than one') || reason.includes('found more'))
    return 'the file holds several YAML documents; expected one'
  return `neither JSON nor YAML: ${reason}`
}

function explain(reason: string, line: string, column: number): string {
  if (reason === DUPLICATE_KEY)
    return `the key ${quote(/^[^:\s,}]*/.exec(line.slice(column))?.[0].replace(/["']/g, '') ?? '')} is given twice`
  const tip = tipFor(line)
  return `neither JSON nor YAML: ${reason}${tip === undefined ? '' : ` (${tip})`}`
}

function tipFor(line: string): string | undefined {
  if (/^ *\t/.test(line)) return 'a tab cannot indent YAML'
  if (/\{\{|\{%|@[A-Za-z_]+@/.test(line)) return 'the line has a placeholder in it: fill in the template first'
  return undefined
}

/** The place for the reader, but not when a password may be on the line. */
function excerpt(line: string, column: number): string {
  if (/passw/i.test(line) || line.trim() === '') return ''
  return `, at ${quote(line.slice(Math.max(0, column - 20)).trim())}`
}
