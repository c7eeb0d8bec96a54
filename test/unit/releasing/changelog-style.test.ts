import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { changelogFaults } from '../../helpers/changelog-style.js'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

test('CHANGELOG.md is in the house style', async () => {
  expect(changelogFaults(await readFile(path.join(ROOT, 'CHANGELOG.md'), 'utf8'))).toEqual([])
})

const GOOD =
  '# Changelog\n\n## Unreleased\n\n## 2.0.0 - 2026-01-02\n\n### Added\n\n- cli: one\n  more\n\n### Fixed\n\n- all verbs: x\n'

describe('the check finds', () => {
  test.each([
    ['nothing', GOOD, []],
    ['a version on top', GOOD.replace('## Unreleased\n\n', ''), ['Unreleased is not on top']],
    ['a version without a date', GOOD.replace(' - 2026-01-02', ''), ['"2.0.0" is not VERSION - DATE']],
    ['an unknown heading', GOOD.replace('Added', 'News'), ['2.0.0 - 2026-01-02: "News" is no known heading']],
    [
      'another order',
      GOOD.replace('Added', 'X').replace('Fixed', 'Added').replace('X', 'Fixed'),
      [/not in their order/],
    ],
    ['a heading without entries', GOOD.replace('- all verbs: x\n', ''), ['2.0.0 - 2026-01-02: "Fixed" has no entry']],
    ['an empty version', GOOD.replace(/### [^]*/, ''), ['2.0.0 - 2026-01-02: it is empty']],
    [
      'an entry without an area',
      GOOD.replace('- cli: one', '- one'),
      ['2.0.0 - 2026-01-02: "- one" is not "- area: text"'],
    ],
    [
      'an entry above the headings',
      GOOD.replace('### Added\n\n- cli: one\n  more\n', '- cli: one\n'),
      [/above the first/],
    ],
    [
      'a line at the margin',
      GOOD.replace('  more', 'more'),
      ['2.0.0 - 2026-01-02: "more" is not indented as its entry is'],
    ],
    ['a version that is there twice', GOOD + GOOD.slice(GOOD.indexOf('## 2.0.0') - 1), ['a section is there twice']],
  ])('%s', (_, changelog, faults) => {
    expect(changelogFaults(changelog)).toEqual(
      faults.map((fault) => (typeof fault === 'string' ? fault : expect.stringMatching(fault))),
    )
  })
})
