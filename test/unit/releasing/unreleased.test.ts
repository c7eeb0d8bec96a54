import { expect, test } from '@jest/globals'
import { unreleasedNotes } from '../../../scripts/releasing/unreleased.js'

test('notes are what stands under Unreleased, without the heading', () => {
  const changelog =
    '# Changelog\n\n## Unreleased\n\n### Added\n\n- a: one\n  and more\n\n## 1.0.0 - 2026-01-02\n\n- b: two\n'
  expect(unreleasedNotes(changelog, '/p/CHANGELOG.md')).toBe('### Added\n\n- a: one\n  and more')
  expect(unreleasedNotes('## [Unreleased]\r\n* x\r\n\r\n', '/p/CHANGELOG.md')).toBe('* x')
})

test('a heading within a block of code ends nothing', () => {
  expect(unreleasedNotes('## Unreleased\n- a:\n```\n## 1.0.0\n```\n## 0.9.0\n- b\n', '/p/CHANGELOG.md')).toBe(
    '- a:\n```\n## 1.0.0\n```',
  )
})

test.each([
  ['', '/p/CHANGELOG.md has no section "## Unreleased"'],
  ['# Changelog\n\n## 1.0.0\n\n- a\n', '/p/CHANGELOG.md has no section "## Unreleased"'],
  ['## Unreleased\n', '/p/CHANGELOG.md has no entry under "## Unreleased"'],
  ['## Unreleased\n\n### Added\n\nSoon.\n\n## 1.0.0\n\n- a\n', '/p/CHANGELOG.md has no entry under "## Unreleased"'],
  ['## Unreleased\n\n-\n', '/p/CHANGELOG.md has no entry under "## Unreleased"'],
])('without notes there is nothing to release: %j', (changelog, message) => {
  expect(() => unreleasedNotes(changelog, '/p/CHANGELOG.md')).toThrow(
    expect.objectContaining({ code: 'LAGO_NOTHING_TO_RELEASE', message, hint: expect.any(String) }),
  )
})
