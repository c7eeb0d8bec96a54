/** What the mail about a release says (the guide's shape of it, spec 8.8). Pure. */
import { compareVersions } from '../../src/rpm/evr.js'
import { majorOf } from './layout.js'

export interface AnnouncementFacts {
  /** `X.Y.Z`. */
  readonly version: string
  /** ISO 8601; its day in UTC is in the subject. */
  readonly promotedAt: string
  /** No release of this X was before it. */
  readonly isFirstOfMajor: boolean
  /** `ChangeLog_X.0.txt`: RPM's form, newest first. */
  readonly changelog: string
}

export interface Announcement {
  readonly subject: string
  readonly body: string
}

export function announcementOf(facts: AnnouncementFacts): Announcement {
  const [year, month, day] = facts.promotedAt.slice(0, 10).split('-')
  const changes = changesOf(facts).map((line) => (line === '' ? '' : `    ${line}`))
  return {
    subject: `[${day}-${month}-${year}] New lago release - ${facts.version}`,
    body: [
      'Hello everyone!',
      '',
      `Lago ${facts.version} is released, and ready for you to upgrade to.`,
      '',
      'Here are the changes:',
      ...changes,
      '',
      'Enjoy!',
      '',
    ].join('\n'),
  }
}

/**
 * The entries from the release itself back to the base of its X.Y, or to the previous X.0 for the first of an X; both are in
 * it (spec 8.3). All down to the end where that is not found.
 */
function changesOf({ version, isFirstOfMajor, changelog }: AnnouncementFacts): readonly string[] {
  const entries = entriesOf(changelog)
  const after = entries.slice(
    Math.max(
      0,
      entries.findIndex((entry) => entry.version === version),
    ),
  )
  const last = after.findIndex(isFirstOfMajor ? isPreviousMajor(version) : isBase(version))
  const lines = after.slice(0, last === -1 ? undefined : last + 1).flatMap((entry) => entry.lines)
  return lines.slice(0, lines.findLastIndex((line) => line.trim() !== '') + 1)
}

interface Entry {
  readonly version: string
  readonly lines: string[]
}

function entriesOf(changelog: string): readonly Entry[] {
  const entries: Entry[] = []
  for (const line of changelog.split(/\r?\n/)) {
    const version = /^\* .* - (\d+\.\d+\.\d+)$/.exec(line)?.[1]
    if (version === undefined) entries.at(-1)?.lines.push(line)
    else entries.push({ version, lines: [line] })
  }
  return entries
}

function isBase(version: string): (entry: Entry) => boolean {
  const base = version.replace(/\d+$/, '0')
  return (entry) => entry.version === base
}

/** An X may have been left out, so it is the nearest that there is. */
function isPreviousMajor(version: string): (entry: Entry) => boolean {
  const first = `${majorOf(version)}.0.0`
  return (entry) => entry.version.endsWith('.0.0') && compareVersions(entry.version, first) < 0
}
