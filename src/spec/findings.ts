/** Findings about the init file before they have a place in the text, and the words they are told in. */
export type Path = readonly (string | number)[]

export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly path: Path
  /** Which of the two to point at in the text; `value` falls back to the key when there is no value. */
  readonly at: 'key' | 'value'
  readonly message: string
  readonly suggestion: string | undefined
}

type Extra = Partial<Pick<Finding, 'at' | 'suggestion'>>

export function errorAt(path: Path, message: string, { at = 'value', suggestion }: Extra = {}): Finding {
  return { severity: 'error', path, at, message, suggestion }
}

export function warningAt(path: Path, message: string, { at = 'key', suggestion }: Extra = {}): Finding {
  return { severity: 'warning', path, at, message, suggestion }
}

/** `domains.vm0.nics[1].net`; a key that is not a plain word is quoted. */
export function formatPath(path: Path): string {
  return path.map(formatSegment).join('').replace(/^\./, '')
}

function formatSegment(segment: string | number): string {
  if (typeof segment === 'number') return `[${segment}]`
  return /^[\w-]{1,64}$/.test(segment) ? `.${segment}` : `[${quote(segment)}]`
}

/** What was found, on one line and short: `"lagoo"`, `12`, `a list`. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'a mapping' : String(value)
}

/** In double quotes, with line ends and other control characters escaped, cut after 60 characters. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}...` : text
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Up to 20 names, for "there is: a, b". */
export function listNames(names: readonly string[]): string {
  if (names.length === 0) return '(none)'
  const shown = names.slice(0, 20).map((name) => (/^[\w.-]{1,64}$/.test(name) ? name : quote(name)))
  return names.length > 20 ? `${shown.join(', ')}, ...` : shown.join(', ')
}

/** The value at `path` in plain data; undefined when there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined
    value = (value as Record<string | number, unknown>)[segment] // an own key of an object
  }
  return value
}

export type PlainMapping = Readonly<Record<string, unknown>>

/** Plain data as a mapping; an empty one for anything else. */
export function mappingOf(value: unknown): PlainMapping {
  return isMapping(value) ? value : {}
}

export function isMapping(value: unknown): value is PlainMapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
