/** What is not in the house style of a changelog: Unreleased on top, known sub-headings in their order, `area: text`. */
import { ENTRY, isUnreleased, sectionsOf, trimLines } from '../../scripts/releasing/unreleased.js'

const TITLES = ['Added', 'Changed', 'Deprecated', 'Removed', 'Security', 'Fixed']

/** One line for each fault. */
export function changelogFaults(changelog: string): readonly string[] {
  const [top, ...sections] = sectionsOf(changelog)
  const headings = sections.map(({ heading }) => heading ?? '')
  return [
    ...(trimLines(top?.lines ?? []).join('\n') === '# Changelog' ? [] : ['it does not begin with "# Changelog"']),
    ...(isUnreleased(headings[0]) ? [] : ['Unreleased is not on top']),
    ...headings
      .slice(1)
      .filter((heading) => !/^\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}$/.test(heading))
      .map((heading) => `"${heading}" is not VERSION - DATE`),
    ...(new Set(headings).size === headings.length ? [] : ['a section is there twice']),
    ...sections.flatMap(({ heading = '', lines }) => sectionFaults(heading, lines)),
  ]
}

function sectionFaults(heading: string, lines: readonly string[]): readonly string[] {
  const titles = lines.flatMap((line) => /^###+ +(.*)$/.exec(line)?.[1] ?? [])
  const filled = lines.filter((line) => /^#/.test(line) || ENTRY.test(line))
  const faults = [
    ...titles.filter((title) => !TITLES.includes(title)).map((title) => `"${title}" is no known heading`),
    ...(isAscending(titles.map((title) => TITLES.indexOf(title))) ? [] : ['headings are not in their order, or twice']),
    ...titles
      .filter((title) => !ENTRY.test(filled[filled.indexOf(`### ${title}`) + 1] ?? ''))
      .map((title) => `"${title}" has no entry`),
    ...(filled.length > 0 || isUnreleased(heading) ? [] : ['it is empty']),
    ...(ENTRY.test(filled[0] ?? '') ? ['entries stand above the first heading'] : []),
    ...lines.filter((line) => ENTRY.test(line) && !AREA.test(line)).map((line) => `"${line}" is not "- area: text"`),
    ...lines
      .filter((line, at) => isLazy(line, lines[at - 1]))
      .map((line) => `"${line}" is not indented as its entry is`),
  ]
  return faults.map((fault) => `${heading}: ${fault}`)
}

/** Up to four words, some joined with commas. */
const AREA = /^- [\w-]+(,? [\w-]+){0,3}: \S/

/** A line that goes on with an entry, or ends one, at the margin. */
function isLazy(line: string, before: string | undefined): boolean {
  return before !== undefined && /^(-| ) ?\S/.test(before) && /^[^\s#-]/.test(line)
}

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? -1))
}
