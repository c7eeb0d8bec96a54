/**
 * Changelogs of packages: their dates are in UTC, so that packages are the same wherever they are made.
 */
import { plainText } from '../../src/base/plain-text.js'
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

/**
 * `%changelog`, as text of a spec file. rpmbuild refuses an entry that is younger than the one above it, and dates that it
 * does not know; clocks of committers go wrong.
 */
export function rpmChangelogOf(entries: readonly HistoryEntry[]): string {
  let newestMs = LATEST_MS
  const ordered = entries.toReversed().map((entry) => {
    newestMs = Math.max(EARLIEST_MS, Math.min(newestMs, entry.commit.committedAtMs))
    return { ...entry, commit: { ...entry.commit, committedAtMs: newestMs } }
  })
  return inSpec(rpmChangelog(ordered.reverse(), { zone: 'UTC' }))
}

// rpm 4.18: build/parseChangelog.c knows no year before 1990, and times have 32 bits
const EARLIEST_MS = Date.UTC(1990, 0, 1)
const LATEST_MS = Date.UTC(2100, 0, 1)

/**
 * What people write into messages means nothing to rpmbuild: macros, conditions at the beginning of a line, lines that go on.
 * Characters that XML does not have are left out: createrepo_c leaves out the whole package.
 */
function inSpec(changelog: string): string {
  return plainText(changelog.replaceAll('\r', ' '))
    .replaceAll(/[\ufffe\uffff]/g, '')
    .replaceAll('%', '%%')
    .replaceAll(/\n +(?=%)/g, ' ')
    .replaceAll(/\\$/gm, '\\ ')
}
