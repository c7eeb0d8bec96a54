import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { moveNotes } from '../../../scripts/releasing/changelog-file.js'

const RELEASE = { version: '2.0.1', date: '2026-03-04' }

const CHANGELOG = `# Changelog

Of lago.

## Unreleased

### Added

- cli: one
  and more
- cli: came since

### Fixed

What was wrong:

- net: two

  with an example

## 2.0.0 - 2026-01-02

### Added

- store: old
`

test('what a release had moves to a section of its own, and what came since stays', () => {
  const notes = '### Added\n\n- cli: one and\n  more\n\n### Fixed\n\nWhat was wrong:\n\n- net: two\n\n  with an example'
  expect(moveNotes(CHANGELOG, { ...RELEASE, notes })).toEqual({
    moved: 2,
    missing: [],
    changelog: `# Changelog

Of lago.

## Unreleased

### Added

- cli: came since

## 2.0.1 - 2026-03-04

### Added

- cli: one
  and more

### Fixed

What was wrong:

- net: two

  with an example

## 2.0.0 - 2026-01-02

### Added

- store: old
`,
  })
})

test('a second section Unreleased, as a merge may leave it, is left where it is', () => {
  expect(
    moveNotes('## Unreleased\n\n- a\n\n## 1.0.0\n\n## Unreleased\n\n- b\n', { ...RELEASE, notes: '- a' }).changelog,
  ).toBe('## Unreleased\n\n## 2.0.1 - 2026-03-04\n\n- a\n\n## 1.0.0\n\n## Unreleased\n\n- b\n')
})

test('nothing is left under Unreleased but its heading when all was released', () => {
  const { changelog } = moveNotes('## Unreleased\n\n### Added\n\n- a: b\n', { ...RELEASE, notes: '### Added\n- a: b' })
  expect(changelog).toBe('## Unreleased\n\n## 2.0.1 - 2026-03-04\n\n### Added\n\n- a: b\n')
})

test('entries that were changed or removed since are told, and stay as they are', () => {
  const notes = '### Added\n\n- cli: gone\n  long ago\n- cli: one\n  and more\n\n### Fixed\n\n- cli: came since'
  const { moved, missing, changelog } = moveNotes(CHANGELOG, { ...RELEASE, notes })
  expect({ moved, missing }).toEqual({ moved: 1, missing: ['- cli: gone', '- cli: came since'] })
  expect(changelog).toContain(
    '## Unreleased\n\n### Added\n\n- cli: came since\n\n### Fixed\n\nWhat was wrong:\n\n- net',
  )
})

test.each([
  ['the version has its section', '2.0.0', '### Added\n\n- cli: came since'],
  ['none of them is there', '2.0.1', '- cli: came since'],
])('the file stays as it is when %s', (_, version, notes) => {
  expect(moveNotes(CHANGELOG, { ...RELEASE, version, notes })).toMatchObject({ moved: 0, changelog: CHANGELOG })
})

test('a release of an older line stands below the newer ones', () => {
  const changelog = '## Unreleased\n\n- a\n\n## 3.0.0 - 2026-02-02\n\n- c\n\n## [2.0.0] - 2026-01-01\n\n- b\n'
  expect(moveNotes(changelog, { ...RELEASE, notes: '- a' }).changelog).toBe(
    '## Unreleased\n\n## 3.0.0 - 2026-02-02\n\n- c\n\n## 2.0.1 - 2026-03-04\n\n- a\n\n## [2.0.0] - 2026-01-01\n\n- b\n',
  )
})

test('what an earlier release of the same notes has already is not missing', () => {
  const changelog =
    '# Changelog\n\n## Unreleased\n\n### Added\n\n- two\n\n## 2.0.1 - 2026-01-01\n\n### Added\n\n- one\n'
  const notes = '### Added\n\n- one\n- two\n- three'
  const moved = moveNotes(changelog, { version: '2.0.2', date: '2026-01-02', notes })
  expect([moved.moved, moved.missing]).toEqual([1, ['- three']])
  expect(moved.changelog).toContain('## 2.0.2 - 2026-01-02\n\n### Added\n\n- two\n\n## 2.0.1')
})

test('entries stand apart from one another where they did', () => {
  const notes = '### Added\n\n- one\n\n- two\n- three'
  const changelog = `# Changelog\n\n## Unreleased\n\n${notes}\n\n- four\n\n- five\n`
  const moved = moveNotes(changelog, { version: '2.0.1', date: '2026-01-02', notes })
  expect(moved.changelog).toBe(
    `# Changelog\n\n## Unreleased\n\n### Added\n\n- four\n\n- five\n\n## 2.0.1 - 2026-01-02\n\n${notes}\n`,
  )
})

test('lines end as they did', () => {
  expect(moveNotes('## Unreleased\r\n\r\n- a\r\n- b\r\n', { ...RELEASE, notes: '- b' }).changelog).toBe(
    '## Unreleased\r\n\r\n- a\r\n\r\n## 2.0.1 - 2026-03-04\r\n\r\n- b\r\n',
  )
})

const HEADINGS = ['Added', 'Changed', 'Security', 'Fixed']
const WORDS = [
  'a: one',
  'b: two\n  three',
  'c: ```x``` four',
  'd:\n\n  ```\n  ## 1.0.0\n  - no entry\n  ```\n\n  end',
  '`e`: 5',
]
const entries = fc.array(fc.record({ heading: fc.constantFrom(...HEADINGS), words: fc.constantFrom(...WORDS) }))
type Entries = readonly { readonly heading: string; readonly words: string }[]

function markdown(of: Entries): string {
  const groups = HEADINGS.map((heading) => [heading, of.filter((entry) => entry.heading === heading)] as const)
  const some = groups.filter(([, members]) => members.length > 0)
  return some
    .map(([heading, members]) => `### ${heading}\n\n${members.map(({ words }) => `- ${words}\n`).join('')}`)
    .join('\n')
}

/** What a reader finds, by a way of its own: entries are told by their first words. */
function found(section: string): string[] {
  return section
    .split(/^### /m)
    .slice(1)
    .flatMap((group) => [...group.matchAll(/^- (\S+)/gm)].map(([, word]) => `${group.split('\n')[0]}/${word}`))
    .sort()
}

const texts = (of: Entries): string[] => of.map(({ heading, words }) => `${heading}/${words.split(/\s/)[0]}`).sort()

test('no entry is lost or doubled, whatever moves and whatever came since', () => {
  fc.assert(
    fc.property(entries, entries, entries, (released, since, older) => {
      fc.pre(released.length > 0)
      const last = `## 2.0.0 - 2026-01-02\n\n${markdown(older)}`
      const before = `# Changelog\n\n## Unreleased\n\n${markdown([...released, ...since])}\n${last}`
      const { changelog, moved, missing } = moveNotes(before, { ...RELEASE, notes: markdown(released) })
      const [, unreleased = '', section = '', rest] = changelog.split(/^(?=## (?:Unreleased|2\.0\.1|2\.0\.0)\b)/m)
      expect({ moved, missing }).toEqual({ moved: released.length, missing: [] })
      expect(found(section)).toEqual(texts(released))
      expect(found(unreleased)).toEqual(texts(since))
      expect(rest).toBe(last)
      expect(moveNotes(changelog, { ...RELEASE, notes: markdown(released) }).changelog).toBe(changelog)
    }),
  )
})
