/** What a user writes behind `--custom-source`: the forms and filters that repoman knows, as far as they need no build service. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { LagoError } from '../base/errors.js'
import { plainUrl } from '../store/download/plain-url.js'

export interface CustomSource {
  /** As written, for messages. */
  readonly text: string
  readonly place: SourcePlace
  /** `:only-missing`: of names that nothing before it has. */
  readonly isOnlyMissing: boolean
  /** `:latest=N`: the newest so many versions of a name; default 1. */
  readonly versions: number
  /** `:name~REGEX`: names have to begin with it. */
  readonly names: readonly RegExp[]
}

export type SourcePlace =
  /** A package, a directory that is searched with those below it, or a pattern for either; absolute. */
  | { readonly kind: 'path'; readonly path: string }
  /** A package, or a page with links to some; `isRecursive`: and to further pages below it. */
  | { readonly kind: 'url'; readonly url: URL; readonly isRecursive: boolean }
  /** A file with a source in each line; absolute. */
  | { readonly kind: 'list'; readonly path: string }

/** Relative paths are below `cwd`. Throws `LAGO_RPM_SOURCE`, saying which forms there are. */
export function parseCustomSource(text: string, cwd: string): CustomSource {
  const { rest, filters } = takeFilters(text)
  const names = filters.flatMap((filter) => (filter.startsWith(NAME) ? [nameExpression(text, filter)] : []))
  const latest = filters.find((filter) => filter.startsWith('latest'))
  const place = parsePlace(text, rest, cwd)
  if (place.kind === 'list' && filters.length > 0)
    throw sourceError(text, 'a list of sources has no filters', 'write the filters behind the sources in the list')
  return {
    text,
    place,
    isOnlyMissing: filters.includes('only-missing'),
    versions: Number(latest?.split('=')[1] ?? 1),
    names,
  }
}

/** The sources in the lines of a list; empty lines and those that begin with `#` are none. */
export function sourcesInList(content: string): string[] {
  return content
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

/** `LAGO_RPM_SOURCE`. */
export function sourceError(text: string, problem: string, hint: string): LagoError {
  const shown = text.includes('://') ? plainUrl(text) : text
  return new LagoError('LAGO_RPM_SOURCE', `custom source "${shown}": ${problem}`, { hint, data: { source: shown } })
}

const NAME = 'name~'
const FILTER = /:(only-missing|latest(?:=[1-9]\d{0,5})?|name~[^:]*)$/

function takeFilters(text: string): { rest: string; filters: string[] } {
  const filters: string[] = []
  let rest = text
  for (let found = FILTER.exec(rest); found !== null; found = FILTER.exec(rest)) {
    filters.push(found[1] ?? '')
    rest = rest.slice(0, found.index)
  }
  const latest = /:(latest=[^:/]*)$/.exec(rest)?.[1]
  if (latest !== undefined)
    throw sourceError(text, `"${latest}" is no number of versions`, 'such as latest=2; from 1 on')
  return { rest, filters }
}

function nameExpression(text: string, filter: string): RegExp {
  try {
    return new RegExp(`^(?:${filter.slice(NAME.length)})`)
  } catch {
    throw sourceError(text, `"${filter}" is not a regular expression`, 'such as name~vdsm.*')
  }
}

const FORMS = `${[
  'a directory',
  'an .rpm file',
  'a pattern such as dir/*.rpm',
  'http(s)://... of a package or of a page with links to packages',
  'rec:http(s)://... with the pages below it',
  'conf:FILE with a source in each line',
].join(', ')}; behind it :latest, :latest=N, :only-missing or :name~REGEX`

function parsePlace(text: string, rest: string, cwd: string): SourcePlace {
  if (rest === '') throw sourceError(text, 'it is empty', FORMS)
  const [, kind, value = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(rest) ?? []
  switch (kind) {
    case undefined:
      return { kind: 'path', path: path.resolve(cwd, rest) }
    case 'dir':
      return { kind: 'path', path: path.resolve(cwd, value) }
    case 'conf':
      return { kind: 'list', path: path.resolve(cwd, value) }
    case 'file':
      return { kind: 'path', path: fileOf(text, rest) }
    case 'http':
    case 'https':
      return { kind: 'url', url: urlOf(text, rest), isRecursive: false }
    case 'rec':
    case 'recursive':
      return { kind: 'url', url: urlOf(text, value), isRecursive: true }
    default:
      throw sourceError(
        text,
        `sources of the kind "${kind}" are not known`,
        `known are: ${FORMS}; a path with a colon begins with ./`,
      )
  }
}

function urlOf(text: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol)) return url
  throw sourceError(text, `it is not a URL of http or https`, `known are: ${FORMS}`)
}

function fileOf(text: string, value: string): string {
  try {
    return fileURLToPath(value)
  } catch {
    throw sourceError(text, 'it is not the URL of a file of this host', 'such as file:///srv/packages')
  }
}
