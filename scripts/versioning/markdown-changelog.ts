/** The changelog for people who read it on a page. */
import { bugsOf } from './bugs.js'
import type { Commit, HistoryEntry } from './history.js'
import { markdownSubject } from './markdown.js'

/** A heading for each version, newest first; dates are in UTC. */
export function markdownChangelog(entries: readonly HistoryEntry[]): string {
  return entries.toReversed().map(entryText).join('\n')
}

function entryText({ version, commit, merged }: HistoryEntry): string {
  const date = new Date(commit.committedAtMs).toISOString().replace(/T.*/, '')
  const items = [commit, ...merged].map((commit) => `- ${markdownSubject(commit)}${fixedBy(commit)}\n`)
  return `## ${version} - ${date}\n\n${items.join('')}`
}

function fixedBy({ message }: Commit): string {
  const bugs = bugsOf(message).map((number) => `BZ#${number}`)
  return bugs.length > 0 ? `: fixes ${bugs.join(', ')}` : ''
}
