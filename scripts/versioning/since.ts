/** The part of a history from some commit on (spec 8.3). */
import type { Commit, History, HistoryEntry } from './history.js'

/**
 * Entries from the oldest one on that `ref` names, that one included, oldest first; empty: it names none.
 *
 * `ref` is the beginning of a hash, however short, or the end of the name of a ref at a slash: `1.0`, `tags/1.0`,
 * `refs/tags/1.0`. A ref of exactly this name (`HEAD`) is preferred. Commits that were merged are not looked at.
 */
export function entriesSince({ entries }: History, ref: string): readonly HistoryEntry[] {
  if (ref === '') return []
  const exact = entries.findIndex(({ commit }) => commit.refs.includes(ref))
  const start = exact === -1 ? entries.findIndex(({ commit }) => isNamedBy(commit, ref)) : exact
  return start === -1 ? [] : entries.slice(start)
}

function isNamedBy({ hash, refs }: Commit, ref: string): boolean {
  return hash.startsWith(ref) || refs.some((name) => `/${name}`.endsWith(`/${ref}`))
}
