/** The changelog as rpm wants it in a spec file (spec 8.3); there, `%` has to be doubled. */
import { bugsOf } from './bugs.js'
import type { Commit, HistoryEntry } from './history.js'
import { subjectOf } from './subject.js'
import { wrap } from './wrap.js'

/**
 * Of `entries` from the oldest on; the newest comes first, with an empty line between two and a line end behind the last.
 * Dates are those of the commits, in the zone of this process and in English.
 */
export function rpmChangelog(entries: readonly HistoryEntry[]): string {
  return entries.toReversed().map(entryText).join('\n')
}

function entryText({ commit, version, merged }: HistoryEntry): string {
  const { author, committedAtMs } = commit
  const header = `* ${rpmDate(committedAtMs)} ${author.name} <${author.email}> - ${version}`
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
function rpmDate(ms: number): string {
  const date = new Date(ms)
  const day = String(date.getDate()).padStart(2, '0')
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${day} ${date.getFullYear()}`
}
