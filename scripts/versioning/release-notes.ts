/** What matters to those who upgrade, from the marks in commits' messages (spec 8.5). */
import { bugsOf } from './bugs.js'
import type { Commit, HistoryEntry } from './history.js'
import { escapeMarkdown, markdownSubject } from './markdown.js'
import { semVerOf } from './sem-ver.js'

interface Notes {
  readonly incompatible: readonly string[]
  readonly features: readonly string[]
  readonly deprecated: readonly string[]
  readonly fixes: readonly string[]
}

const TITLES: Readonly<Record<keyof Notes, string>> = {
  incompatible: 'Incompatible changes',
  features: 'New features',
  deprecated: 'Deprecations',
  fixes: 'Bugs fixed',
}

/**
 * In Markdown, a part for each X.Y, newest first. Of each commit, merged ones too: `Sem-Ver:`, lines that begin with
 * `* INCOMPATIBLE`, `* NEW` or `* DEPRECATED`, and bugs by `Bug-Url:`, `closes #N`, `fixes #N` and `addresses #N`.
 * Commits with none of these are left out; `entries` are from the oldest on.
 */
export function releaseNotes(entries: readonly HistoryEntry[]): string {
  return groupsOf(entries).toReversed().map(groupText).join('\n')
}

/** Entries of one X.Y that stand together. */
function groupsOf(entries: readonly HistoryEntry[]): HistoryEntry[][] {
  const groups: HistoryEntry[][] = []
  for (const entry of entries) {
    const group = groups.at(-1)
    if (group?.[0] !== undefined && entry.kind !== 'tag' && lineOf(group[0]) === lineOf(entry)) group.push(entry)
    else groups.push([entry])
  }
  return groups
}

function lineOf({ version }: HistoryEntry): string {
  return version.slice(0, version.lastIndexOf('.'))
}

function groupText(group: readonly HistoryEntry[]): string {
  const notes = group.toReversed().flatMap(({ commit, merged }) => [commit, ...merged].map(notesOf))
  const parts = (Object.keys(TITLES) as (keyof Notes)[]).flatMap((kind) => {
    const items = notes.flatMap((note) => note[kind]).map((item) => `- ${item}\n`)
    return items.length > 0 ? [`\n### ${TITLES[kind]}\n\n${items.join('')}`] : []
  })
  const [first, last] = [group[0]?.version, group.at(-1)?.version]
  const title = first === last ? `## ${first}\n` : `## ${last} (since ${first})\n`
  return title + (parts.length > 0 ? parts.join('') : '\nNothing to note.\n')
}

function notesOf(commit: Commit): Notes {
  const { message } = commit
  const semVer = semVerOf(message)
  const ofHeader = (kind: typeof semVer): string[] => (semVer === kind ? [markdownSubject(commit)] : [])
  const ofMark = (mark: RegExp): string[] => markedLines(commit, mark)
  const bugs = [...bugsOf(message).map((number) => `BZ#${number}`), ...issuesOf(message)]
  return {
    incompatible: either(ofMark(/^\* INCOMPATIBLE\b/), ofHeader('breaking')),
    features: either(ofMark(/^\* NEW\b/), ofHeader('feature')),
    deprecated: ofMark(/^\* DEPRECAT(?:ED|ES|ION)\b/),
    fixes: bugs.length > 0 ? [`${bugs.join(', ')}: ${markdownSubject(commit)}`] : [],
  }
}

/** What the author wrote for the purpose is better than the subject. */
function either(marked: string[], ofHeader: string[]): string[] {
  return marked.length > 0 ? marked : ofHeader
}

function markedLines(commit: Commit, mark: RegExp): string[] {
  return commit.message.split('\n').flatMap((line) => {
    if (!mark.test(line)) return []
    const text = line
      .replace(mark, '')
      .replace(/^[\s:]+/, '')
      .trim()
    return [text === '' ? markdownSubject(commit) : `${escapeMarkdown(text)} (${commit.hash.slice(0, 8)})`]
  })
}

/** `adresses` is how autosemver spells it. */
const ISSUE_HEADER = /^(?:closes|fixes|add?resses):?[ \t]+(?=#[0-9])/i

function issuesOf(message: string): string[] {
  return message.split('\n').flatMap((line) => (ISSUE_HEADER.test(line) ? (line.match(/#[0-9]+/g) ?? []) : []))
}
