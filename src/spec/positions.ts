/** Where in the text is what a finding is about? Loaded only when there is something to place, as the parser is large. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Pair } from 'yaml'
import { formatPath, type Finding, type Path } from './findings.js'
import type { SpecIssue } from './types.js'

/** In the order of the text. A finding about what is missing gets the place of what it is missing from. */
export function placeFindings(text: string, findings: readonly Finding[]): SpecIssue[] {
  const lines = new LineCounter()
  // lenient: the text has been parsed before, and a place is better than a second opinion
  const document = parseDocument(text, { lineCounter: lines, strict: false, uniqueKeys: false, logLevel: 'silent' })
  const targets = aliasTargets(document)
  const issues = findings.map(({ severity, path, at, message, suggestion }): SpecIssue => {
    const offset = findOffset(document, targets, path, at)
    const { line, col } = offset === undefined ? { line: 0, col: 0 } : lines.linePos(offset)
    return { severity, path: formatPath(path), line, column: col, message, suggestion }
  })
  return issues.sort((a, b) => a.line - b.line || a.column - b.column)
}

/** What each alias stands for, in one walk: the library's own look-up walks the document for every alias. */
type Targets = ReadonlyMap<unknown, unknown>

function aliasTargets(document: Document): Targets {
  const anchors = new Map<string, unknown>()
  const targets = new Map<unknown, unknown>()
  visit(document, {
    Value: (_key, node) => void (node.anchor === undefined || anchors.set(node.anchor, node)),
    Alias: (_key, alias) => void targets.set(alias, anchors.get(alias.source)),
  })
  return targets
}

function findOffset(document: Document, targets: Targets, path: Path, at: Finding['at']): number | undefined {
  let node: unknown = document.contents
  let last = offsetOf(node)
  for (const [index, segment] of path.entries()) {
    const step = stepInto(targets, node, segment)
    if (step === undefined) return last
    const isLast = index === path.length - 1
    const key = offsetOf(step.key)
    const value = isEmptyNode(step.value) ? undefined : offsetOf(step.value)
    last = isLast && at === 'value' ? (value ?? key) : (key ?? value)
    node = step.value
  }
  return last
}

type Step = { readonly key: unknown; readonly value: unknown } | undefined

/** `depth` ends merges of a mapping into itself. */
function stepInto(targets: Targets, node: unknown, segment: string | number, depth = 0): Step {
  const target = targets.get(node) ?? node
  if (isSeq(target) && typeof segment === 'number') {
    const item = target.items[segment]
    return item === undefined ? undefined : { key: undefined, value: item }
  }
  if (!isMap(target) || depth > MAX_MERGES) return undefined
  const own = target.items.find((pair) => keyOf(pair) === String(segment))
  if (own !== undefined) return own
  for (const source of mergedInto(targets, target.items)) {
    const step = stepInto(targets, source, segment, depth + 1)
    if (step !== undefined) return step
  }
  return undefined
}

const MAX_MERGES = 5

/** `<<: *anchor` or `<<: [*one, *two]` */
function mergedInto(targets: Targets, pairs: readonly Pair[]): readonly unknown[] {
  return pairs
    .filter((pair) => keyOf(pair) === '<<')
    .flatMap(({ value }): readonly unknown[] => {
      const source = targets.get(value) ?? value
      return isSeq(source) ? source.items : [source]
    })
}

function keyOf({ key }: Pair): string | undefined {
  return isScalar(key) ? String(key.value) : undefined
}

function offsetOf(node: unknown): number | undefined {
  const range = isAlias(node) || isMap(node) || isSeq(node) || isScalar(node) ? node.range : undefined
  return range?.[0]
}

/** `key:` with nothing behind it: the place of the nothing helps nobody. */
function isEmptyNode(node: unknown): boolean {
  return isScalar(node) && node.value === null && node.source === ''
}
