/** What CHANGELOG.md says of a project that is not released yet. */
import { LagoError } from '../../src/base/errors.js'

/**
 * The section `## Unreleased` in Markdown, without its heading and the empty lines around it.
 * Throws `LAGO_NOTHING_TO_RELEASE`, which names `filePath`, when there is no such section, or when no entry of a list is in it.
 */
export function unreleasedNotes(changelog: string, filePath: string): string {
  const section = sectionsOf(changelog).find(({ heading }) => isUnreleased(heading))
  if (section === undefined) throw nothingToRelease(`${filePath} has no section "## Unreleased"`)
  if (!section.lines.some((line) => ENTRY.test(line)))
    throw nothingToRelease(`${filePath} has no entry under "## Unreleased"`)
  return trimLines(section.lines).join('\n')
}

/** The first line of an entry. */
export const ENTRY: RegExp = /^[-*+] +\S/

export interface ChangelogSection {
  /** Without `## `; undefined for what stands above the first heading. */
  readonly heading: string | undefined
  /** Below the heading, as they are. */
  readonly lines: readonly string[]
}

/** Cuts a changelog at its headings of the second level. Joined again, no line is lost: `## HEADING`, then the lines. */
export function sectionsOf(changelog: string): readonly ChangelogSection[] {
  const sections: { heading: string | undefined; lines: string[] }[] = [{ heading: undefined, lines: [] }]
  let isCode = false
  for (const line of changelog.split(/\r?\n/)) {
    if (/^ {0,3}(```|~~~)/.test(line)) isCode = !isCode
    const heading = isCode ? undefined : /^## +(.*?) *$/.exec(line)?.[1]
    if (heading === undefined) sections.at(-1)?.lines.push(line)
    else sections.push({ heading, lines: [] })
  }
  return sections
}

export function isUnreleased(heading: string | undefined): boolean {
  return heading !== undefined && /^\[?unreleased\]?$/i.test(heading)
}

/** Without the empty lines at both ends. */
export function trimLines(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => line.trim() !== '')
  return first === -1 ? [] : lines.slice(first, lines.findLastIndex((line) => line.trim() !== '') + 1)
}

function nothingToRelease(message: string): LagoError {
  return new LagoError('LAGO_NOTHING_TO_RELEASE', message, {
    hint: 'write there what users will notice, as "- area: what they can do now", and commit it',
  })
}
