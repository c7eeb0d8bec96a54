/** The changelog for programs. */
import { bugsOf } from './bugs.js'
import type { Commit, HistoryEntry, Person } from './history.js'
import { subjectOf } from './subject.js'

interface JsonCommit {
  readonly commit: string
  readonly subject: string
  readonly author: Person
  /** ISO 8601 in UTC. */
  readonly committedAt: string
  /** Numbers of Bugzilla. */
  readonly bugs: readonly string[]
}

/** A list of entries, newest first: version, kind, what is known of the commit, and of what it merged. */
export function jsonChangelog(entries: readonly HistoryEntry[]): string {
  const list = entries
    .toReversed()
    .map(({ version, kind, commit, merged }) => ({ version, kind, ...jsonOf(commit), merged: merged.map(jsonOf) }))
  return `${JSON.stringify(list, undefined, 2)}\n`
}

function jsonOf({ hash, message, author, committedAtMs }: Commit): JsonCommit {
  const committedAt = new Date(committedAtMs).toISOString()
  return { commit: hash, subject: subjectOf(message).replace(/\r$/, ''), author, committedAt, bugs: bugsOf(message) }
}
