/** The edit of CHANGELOG.md that a release brings: what it had moves from *Unreleased* to a section of its own. */
import { compareVersions } from '../../src/rpm/evr.js'
import { ENTRY, isUnreleased, sectionsOf, type ChangelogSection } from './unreleased.js'

export interface ReleasedNotes {
  /** `X.Y.Z`. */
  readonly version: string
  /** `YYYY-MM-DD`. */
  readonly date: string
  /** What stood under *Unreleased* when the release was built, in Markdown. */
  readonly notes: string
}

export interface MovedNotes {
  readonly changelog: string
  /** How many entries moved. */
  readonly moved: number
  /** First lines of those that stand nowhere any more as they were: removed, or changed since. */
  readonly missing: readonly string[]
}

/**
 * Moves the entries of `notes` from *Unreleased* to `## X.Y.Z - DATE`, which stands behind newer versions and before older
 * ones. Entries that came since stay where they are; headings keep their order. A changelog that has a section for the
 * version already stays as it is, as does one where none of the entries is found.
 */
export function moveNotes(changelog: string, { version, date, notes }: ReleasedNotes): MovedNotes {
  const sections = sectionsOf(changelog)
  if (sections.some(({ heading }) => versionOf(heading) === version)) return { changelog, moved: 0, missing: [] }
  const unreleased = sections.find(({ heading }) => isUnreleased(heading))
  const { taken, left, ...found } = partition(groupsOf(unreleased?.lines ?? []), groupsOf(notes.split(/\r?\n/)))
  const elsewhere = new Set(sections.filter((one) => one !== unreleased).flatMap(({ lines }) => keysOf(lines)))
  const missing = found.missing.filter(({ key }) => !elsewhere.has(key)).map(({ text }) => firstLineOf(text))
  const moved = taken.flatMap(entriesIn).length
  if (moved === 0) return { changelog, moved, missing }
  const rest = sections.map((section) => (section === unreleased ? { ...section, lines: linesOf(left) } : section))
  const at = 1 + sections.findLastIndex((section) => section === unreleased || isNewer(section.heading, version))
  const result = rest.toSpliced(at, 0, { heading: `${version} - ${date}`, lines: linesOf(taken) })
  return { changelog: textOf(result, changelog.includes('\r\n') ? '\r\n' : '\n'), moved, missing }
}

/** Titles of the sub-sections (`### Added`) of notes in which there is an entry that none of the `earlier` notes has there. */
export function titlesOfNews(notes: string, earlier: readonly string[]): ReadonlySet<string> {
  const known = new Set(earlier.flatMap((text) => keysOf(text.split(/\r?\n/))))
  const added = entriesOf(notes.split(/\r?\n/)).filter(({ key }) => !known.has(key))
  return new Set(added.map(({ heading }) => heading.replace(/^### +/, '')))
}

function keysOf(lines: readonly string[]): readonly string[] {
  return entriesOf(lines).map(({ key }) => key)
}

function entriesOf(lines: readonly string[]): readonly { readonly heading: string; readonly key: string }[] {
  return groupsOf(lines).flatMap((group) => {
    return entriesIn(group).map((entry) => ({ heading: group.heading ?? '', key: keyOf(group, entry) }))
  })
}

/** `2.0.1` of `2.0.1 - 2026-01-02` and of `[2.0.1]`. */
function versionOf(heading: string | undefined): string | undefined {
  return /^\[?v?(\d+\.\d+\.\d+)\]?(?= |$)/.exec(heading ?? '')?.[1]
}

function isNewer(heading: string | undefined, version: string): boolean {
  const found = versionOf(heading)
  return found !== undefined && compareVersions(found, version) > 0
}

interface Group {
  /** With `### `; undefined for what stands above the first. */
  readonly heading: string | undefined
  readonly blocks: readonly Block[]
}

/** An entry or a paragraph. */
interface Block {
  /** Of one line or more. */
  readonly text: string
  /** An empty line stands before it. */
  readonly isApart: boolean
}

function entriesIn({ blocks }: Group): readonly Block[] {
  return blocks.filter(({ text }) => ENTRY.test(text))
}

function groupsOf(lines: readonly string[]): readonly Group[] {
  const groups: { heading: string | undefined; blocks: Block[] }[] = [{ heading: undefined, blocks: [] }]
  let isCode = false
  let isAfterEmpty = true
  let emptyLines = ''
  for (const line of lines) {
    const blocks = groups.at(-1)?.blocks ?? []
    const isHeading = !isCode && /^### /.test(line)
    const isEmpty = line.trim() === ''
    if (isHeading) groups.push({ heading: line.trimEnd(), blocks: [] })
    else if (isEmpty) emptyLines += '\n'
    else if (!isCode && (isAfterEmpty ? !/^\s/.test(line) || blocks.length === 0 : ENTRY.test(line)))
      blocks.push({ text: line, isApart: emptyLines !== '' })
    else blocks.push(extended(blocks.pop(), `${emptyLines}${line}`))
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode
    isAfterEmpty = isEmpty || isHeading
    if (!isEmpty) emptyLines = ''
  }
  return groups
}

function extended(block: Block | undefined, more: string): Block {
  return { text: `${block?.text ?? ''}\n${more}`, isApart: block?.isApart ?? false }
}

/** Two blocks are the same when their words are: entries may have been wrapped anew. */
function keyOf(group: Group, { text }: Block): string {
  return `${group.heading ?? ''}\n${text.split(/\s+/).join(' ').trim()}`
}

interface Partition {
  readonly taken: readonly Group[]
  readonly left: readonly Group[]
  readonly missing: readonly { readonly key: string; readonly text: string }[]
}

/** Takes each block of `wanted` once. */
function partition(there: readonly Group[], wanted: readonly Group[]): Partition {
  const counts = new Map<string, number>()
  const count = (group: Group, block: Block, by: number): number => {
    const key = keyOf(group, block)
    const before = counts.get(key) ?? 0
    counts.set(key, before + by)
    return before
  }
  for (const group of wanted) for (const block of group.blocks) count(group, block, 1)
  const split = there.map((group) => ({ group, isTaken: group.blocks.map((block) => count(group, block, -1) > 0) }))
  const only = (which: boolean): readonly Group[] =>
    split.map(({ group, isTaken }) => ({ ...group, blocks: group.blocks.filter((_, at) => isTaken[at] === which) }))
  const missing = wanted.flatMap((group) =>
    entriesIn(group)
      .filter((block) => count(group, block, -1) > 0)
      .map((block) => ({ key: keyOf(group, block), text: block.text })),
  )
  return { taken: only(true), left: only(false), missing }
}

function firstLineOf(text: string): string {
  return text.split('\n')[0] ?? ''
}

function linesOf(groups: readonly Group[]): readonly string[] {
  return groups
    .filter(({ blocks }) => blocks.length > 0)
    .flatMap(({ heading, blocks }) => [...(heading === undefined ? [] : ['', heading]), '', ...joined(blocks)])
    .concat('')
}

/** An empty line stands beside paragraphs, and between entries where there was one. */
function joined(blocks: readonly Block[]): readonly string[] {
  return blocks.flatMap(({ text, isApart }, at) => {
    const before = blocks[at - 1]
    const isTight = before === undefined || (!isApart && ENTRY.test(before.text) && ENTRY.test(text))
    return isTight ? text.split('\n') : ['', ...text.split('\n')]
  })
}

function textOf(sections: readonly ChangelogSection[], endOfLine: string): string {
  return sections
    .flatMap(({ heading, lines }) => [...(heading === undefined ? [] : [`## ${heading}`]), ...lines])
    .join(endOfLine)
}
