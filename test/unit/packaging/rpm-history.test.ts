import { describe, expect, test } from '@jest/globals'
import { ofSameMajor, rpmChangelogOf, wholeChangelog } from '../../../scripts/packaging/rpm-history.js'
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

  test('are whole in ChangeLog, with what was merged, since the mail about a new X tells it since the last one', () => {
    const merge = entry('1.0.0', 2)
    const merged = { ...merge.commit, hash: 'f'.repeat(40), message: 'merged work\n' }
    expect(wholeChangelog([entry('0.9.0', 1), { ...merge, merged: [merged] }])).toBe(
      [
        '* Mon Mar 02 2026 Jane Doe <jane@example.com> - 1.0.0',
        '    10000000: work',
        '    ffffffff: merged work',
        '',
        '* Sun Mar 01 2026 Jane Doe <jane@example.com> - 0.9.0',
        '    09000000: work',
        '',
      ].join('\n'),
    )
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
