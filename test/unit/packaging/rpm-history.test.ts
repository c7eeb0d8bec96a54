import { describe, expect, test } from '@jest/globals'
import { ofSameMajor, rpmChangelogOf } from '../../../scripts/packaging/rpm-history.js'
import type { HistoryEntry } from '../../../scripts/versioning/history.js'

function entry(version: string, day: number): HistoryEntry {
  const hash = version.replaceAll('.', '').padEnd(40, '0')
  const author = { name: 'Jane Doe', email: 'jane@example.com' }
  const committedAtMs = Date.UTC(2026, 2, day, 12)
  return {
    commit: { hash, parents: [], tags: [], refs: [], author, committedAtMs, message: 'work\n' },
    version,
    kind: 'patch',
    merged: [],
  }
}

describe('changelogs of RPMs', () => {
  test('begin with the first commit of the newest X, also where X had that number before', () => {
    const entries = ['0.0.1', '2.0.0', '1.0.0', '2.0.0', '2.1.0'].map((version) => entry(version, 1))
    expect(ofSameMajor(entries).map(({ version }) => version)).toEqual(['2.0.0', '2.1.0'])
    expect(ofSameMajor([])).toEqual([])
  })

  test('have no entry that is younger than the one above, which rpmbuild refuses', () => {
    const entries = [entry('1.0.0', 3), entry('1.0.1', 9), entry('1.0.2', 5)]
    const headers = rpmChangelogOf(entries)
      .split('\n')
      .filter((line) => line.startsWith('*'))
    expect(headers).toEqual([
      '* Thu Mar 05 2026 Jane Doe <jane@example.com> - 1.0.2',
      '* Thu Mar 05 2026 Jane Doe <jane@example.com> - 1.0.1',
      '* Tue Mar 03 2026 Jane Doe <jane@example.com> - 1.0.0',
    ])
  })
})
