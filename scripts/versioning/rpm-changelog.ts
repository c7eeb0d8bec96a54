/** The changelog as rpm wants it in a spec file (spec 8.3); there, `%` has to be doubled. */
import { bugsOf } from './bugs.js'
import type { Commit, HistoryEntry } from './history.js'
import { subjectOf } from './subject.js'
import { wrap } from './wrap.js'

/** Of dates; the local one is that of this process. */
export type Zone = 'local' | 'UTC'

/**
 * Of `entries` from the oldest on; the newest comes first, with an empty line between two and a line end behind the last.
 * Dates are those of the commits, in English.
 */
export function rpmChangelog(
  entries: readonly HistoryEntry[],
  { zone = 'local' }: { readonly zone?: Zone } = {},
): string {
  return entries
    .toReversed()
    .map((entry) => entryText(entry, zone))
    .join('\n')
}

function entryText({ commit, version, merged }: HistoryEntry, zone: Zone): string {
  const { author, committedAtMs } = commit
  const header = `* ${rpmDate(committedAtMs, zone)} ${author.name} <${author.email}> - ${version}`
  return [header, ...[commit, ...merged].flatMap(linesOf)].map((line) => `${line}\n`).join('')
}

function linesOf({ hash, message }: Commit): string[] {
  const bugs = bugsOf(message).map((number) => `BZ#${number}`)
  const fixed = bugs.length > 0 ? [wrap(`FIXED BUGS: ${bugs.join(' ')}`)] : []
  return [wrap(`${hash.slice(0, 8)}: ${subjectOf(message)}`), ...fixed]
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `%a %b %d %Y` of strftime(3) in the C locale. */
function rpmDate(ms: number, zone: Zone): string {
  const date = new Date(ms)
  const [weekday, month, day, year] =
    zone === 'UTC'
      ? [date.getUTCDay(), date.getUTCMonth(), date.getUTCDate(), date.getUTCFullYear()]
      : [date.getDay(), date.getMonth(), date.getDate(), date.getFullYear()]
  return `${DAYS[weekday]} ${MONTHS[month]} ${String(day).padStart(2, '0')} ${year}`
}
