/**
 * Changelogs of packages: their dates are in UTC, so that packages are the same wherever they are made.
 */
import type { HistoryEntry } from '../versioning/history.js'
import { rpmChangelog } from '../versioning/rpm-changelog.js'

/** `ChangeLog`: all of the history, in the form of RPM. */
export function wholeChangelog(entries: readonly HistoryEntry[]): string {
  return rpmChangelog(entries, { zone: 'UTC' })
}

/** Since the first commit of the newest X. */
export function ofSameMajor(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const majorOf = ({ version }: HistoryEntry): string => version.split('.', 1)[0] ?? ''
  const newest = entries.at(-1)
  if (newest === undefined) return []
  const last = entries.findLastIndex((entry) => majorOf(entry) !== majorOf(newest))
  return entries.slice(last + 1)
}

/** `%changelog`. rpmbuild refuses an entry that is younger than the one above it; clocks of committers go wrong. */
export function rpmChangelogOf(entries: readonly HistoryEntry[]): string {
  let newestMs = Infinity
  const ordered = entries.toReversed().map((entry) => {
    newestMs = Math.min(newestMs, entry.commit.committedAtMs)
    return { ...entry, commit: { ...entry.commit, committedAtMs: newestMs } }
  })
  return rpmChangelog(ordered.reverse(), { zone: 'UTC' })
}
