import { expect, test } from '@jest/globals'
import { announcementOf } from '../../../scripts/releasing/announcement.js'
import { rpmChanges } from '../../helpers/released-tree.js'

const CHANGES = { '2.1.1': 'e', '2.1.0': 'd', '2.0.7': 'c', '2.0.0': 'b', '1.4.0': 'x', '1.0.0': 'a', '0.9.0': 'w' }
const RELEASE = { promotedAt: '2026-03-04T23:30:00.000Z', isFirstOfMajor: false, changelog: rpmChanges(CHANGES) }

test('the mail has the day, the version, and the changes since the base of its X.Y', () => {
  expect(announcementOf({ ...RELEASE, version: '2.1.1' })).toEqual({
    subject: '[04-03-2026] New lago release - 2.1.1',
    body: `Hello everyone!

Lago 2.1.1 is released, and ready for you to upgrade to.

Here are the changes:
    * Wed Mar 04 2026 Jane Doe <jane@example.org> - 2.1.1
        0123abcd: e

    * Wed Mar 04 2026 Jane Doe <jane@example.org> - 2.1.0
        0123abcd: d

Enjoy!
`,
  })
})

function versionsIn(version: string, facts: Partial<typeof RELEASE> = {}): string[] {
  const { body } = announcementOf({ ...RELEASE, version, ...facts })
  return [...body.matchAll(/^ {4}\* .* - (.*)$/gm)].map(([, found = '']) => found)
}

test.each([
  ['a new Y is its own base', '2.1.0', {}, ['2.1.0']],
  ['of a new X it is since the previous X.0', '2.0.0', { isFirstOfMajor: true }, ['2.0.0', '1.4.0', '1.0.0']],
  ['also when it is not X.0.0', '2.0.7', { isFirstOfMajor: true }, ['2.0.7', '2.0.0', '1.4.0', '1.0.0']],
  ['an older one', '2.0.7', {}, ['2.0.7', '2.0.0']],
  ['a base that is not there: all that is', '0.9.0', { isFirstOfMajor: true }, ['0.9.0']],
  ['an empty changelog', '2.0.0', { changelog: '' }, []],
])('%s', (_, version, facts, expected) => {
  expect(versionsIn(version, facts)).toEqual(expected)
})
