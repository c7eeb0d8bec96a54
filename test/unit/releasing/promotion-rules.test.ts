import { describe, expect, test } from '@jest/globals'
import { promotionRules, releasedAs, type RuleAnswer } from '../../../scripts/releasing/promotion-rules.js'
import type { Change, Release, ReleaseInfo, SnapshotInfo } from '../../../scripts/releasing/types.js'

const NOW = Date.parse('2026-03-31T12:00:00Z')
const commitOf = (version: string): string => Buffer.from(version.padEnd(20)).toString('hex')

function change(version: string, facts: Partial<Change> = {}): Change {
  return { commit: commitOf(version), version, subject: `make ${version}`, kind: 'patch', bugs: [], ...facts }
}

function snapshotOf(version: string, facts: Partial<SnapshotInfo> = {}): SnapshotInfo {
  return {
    format: 1,
    version,
    release: '1',
    commit: commitOf(version),
    pipeline: 7,
    builtAt: '2026-03-31T11:00:00Z',
    base: { version: '2.0.0', commit: commitOf('2.0.0'), committedAt: '2026-03-30T12:00:00Z' },
    changes: [change(version)],
    notes: '### Changed\n\n- cli: a',
    isSigned: false,
    files: [],
    ...facts,
  }
}

function released(version: string, facts: Partial<Release> = {}): ReleaseInfo {
  const release = {
    version,
    release: '1',
    commit: commitOf(version),
    snapshot: 's',
    promotedAt: '',
    reasons: [],
    notes: '',
    isSigned: false,
    files: [],
  }
  return { format: 1, releases: [{ ...release, ...facts }] }
}

interface Options {
  readonly stable?: readonly ReleaseInfo[]
  readonly afterDays?: number
}

function rulesOf(snapshot: SnapshotInfo, { stable = [], afterDays = 30 }: Options = {}): readonly RuleAnswer[] {
  return promotionRules({ snapshot, stable, nowMs: NOW, afterDays })
}

function answer(rule: RuleAnswer['rule'], snapshot: SnapshotInfo, options: Options = {}): string {
  const found = rulesOf(snapshot, options).find((one) => one.rule === rule)
  return `${found?.isDue === true ? 'due' : 'not due'}: ${found?.why}`
}

describe('a new X', () => {
  test.each([
    ['2.0.0', [], 'due: 2.0.0 is a new X: stable has no release yet'],
    ['3.0.0', [released('1.5.0'), released('2.1.7')], 'due: 3.0.0 is a new X: stable has 2.1.7'],
    ['10.0.0', [released('9.0.0')], 'due: 10.0.0 is a new X: stable has 9.0.0'],
    ['2.1.0', [released('2.0.14')], 'not due: 2.1.0 is no new X: stable has 2.0.14'],
    ['1.0.0', [released('2.0.14')], 'not due: 1.0.0 is no new X: stable has 2.0.14'],
  ])('%s', (version, stable, expected) => {
    expect(answer('major', snapshotOf(version), { stable })).toBe(expected)
  })
})

describe('a new Y', () => {
  test.each([
    ['2.1.0', [released('2.0.14')], 'due: 2.1.0 is a new Y: stable has 2.0.14'],
    ['2.10.0', [released('2.9.1'), released('3.4.0')], 'due: 2.10.0 is a new Y: stable has 2.9.1'],
    ['2.0.15', [released('2.0.14')], 'not due: 2.0.15 is no new Y: stable has 2.0.14'],
    ['2.1.0', [released('1.0.14')], 'not due: stable has no other 2.Y'],
  ])('%s', (version, stable, expected) => {
    expect(answer('minor', snapshotOf(version), { stable })).toBe(expected)
  })
})

describe('time', () => {
  const changes = [change('2.0.3'), change('2.0.2'), change('2.0.1'), change('2.0.0')]
  const of = (committedAt: string): SnapshotInfo =>
    snapshotOf('2.0.3', { changes, base: { version: '2.0.0', commit: commitOf('2.0.0'), committedAt } })

  test.each([
    ['2026-03-01T12:00:00Z', '2.0.1', 'due: 2.0.0 is 30 days old; 2 changes since 2.0.1'],
    ['2026-03-01T12:00:01Z', '2.0.1', 'not due: 2.0.0 is 29 days old, and is to be 30; 2 changes since 2.0.1'],
    ['2026-03-30T12:00:00Z', '2.0.2', 'not due: 2.0.0 is 1 day old, and is to be 30; 1 change since 2.0.2'],
    ['2026-01-01T12:00:00Z', '2.0.3', 'not due: 2.0.0 is 89 days old; 0 changes since 2.0.3'],
    ['2026-03-31T12:00:01Z', '2.0.1', 'not due: 2.0.0 is of the future: 2026-03-31T12:00:01Z; 2 changes since 2.0.1'],
  ])('X or Y of %s, %s in stable', (committedAt, last, expected) => {
    expect(answer('time', of(committedAt), { stable: [released(last)] })).toBe(expected)
  })

  test('as many days as are asked for', () => {
    const options = { stable: [released('2.0.1')], afterDays: 1 }
    expect(answer('time', of('2026-03-30T12:00:00Z'), options)).toBe('due: 2.0.0 is 1 day old; 2 changes since 2.0.1')
  })
})

describe('important fixes', () => {
  const changes = [
    change('2.0.3'),
    change('2.0.2', { bugs: ['12', '13'] }),
    change('2.0.1', { bugs: ['13', '9'] }),
    change('2.0.0', { bugs: ['1'] }),
  ]
  const snapshot = snapshotOf('2.0.3', { changes })

  test('are changes since the last release that name a bug', () => {
    expect(answer('fixes', snapshot, { stable: [released('2.0.0')] })).toBe(
      'due: 3 bugs fixed: 12, 13, 9 since 2.0.0; the notes have nothing new under "Security"',
    )
    expect(answer('fixes', snapshot, { stable: [released('2.0.2')] })).toBe(
      'not due: no change names a bug since 2.0.2; the notes have nothing new under "Security"',
    )
  })

  test('are known by the version where the commit of the last release is not in the history any more', () => {
    expect(answer('fixes', snapshot, { stable: [released('2.0.1', { commit: 'f'.repeat(40) })] })).toContain(
      ': 12, 13 since',
    )
  })

  test('of a new X are all of that X', () => {
    const stable = [released('1.0.5')]
    const older = [...changes, change('1.0.6', { bugs: ['77'] })]
    expect(answer('fixes', snapshotOf('2.0.3', { changes: older }), { stable })).toContain(
      '4 bugs fixed: 12, 13, 9, 1;',
    )
  })

  test('are notes about security', () => {
    const noted = snapshotOf('2.0.3', { notes: '### Security\n\n- cli: safe' })
    expect(answer('fixes', noted, { stable: [released('2.0.2')] })).toBe(
      'due: no change names a bug since 2.0.2; the notes have new entries under "Security"',
    )
    const empty = snapshotOf('2.0.3', { notes: '### Security\n\n### Fixed\n\n- cli: a' })
    expect(answer('fixes', empty, { stable: [released('2.0.2')] })).toMatch(/^not due/)
  })
})

test('notes that a release has had already count no more, however they are wrapped', () => {
  const stable = [
    released('2.0.1', { notes: '### Added\n\n- cli: a b' }),
    released('1.0.0', { notes: '### Fixed\n\n- c' }),
  ]
  const noted = (notes: string): string => answer('features', snapshotOf('2.0.3', { notes }), { stable })
  expect(noted('### Added\n\n- cli: a\n  b\n\n### Fixed\n\n- d')).toMatch(
    /^not due: .*; the notes have nothing new under "Added"$/,
  )
  expect(noted('### Added\n\n- cli: a b\n- cli: c')).toMatch(/^due: .*; the notes have new entries under "Added"$/)
  expect(noted('### Added\n\n- c')).toMatch(/^due:/) // another heading
  expect(noted('### Added\n\nSoon.')).toMatch(/^not due:/) // no entry
})

test('important features are changes that say so, or notes about what was added', () => {
  const stable = [released('2.0.2')]
  const feature = snapshotOf('2.0.3', { changes: [change('2.0.3', { kind: 'feature' })] })
  expect(answer('features', feature, { stable })).toMatch(
    /^due: 1 feature: [0-9a-f]{8} "make 2.0.3" since 2.0.2; the notes have nothing new under "Added"$/,
  )
  const wild = snapshotOf('2.0.3', {
    changes: [change('2.0.3', { kind: 'feature', subject: 'a \u001b[31mred\u001b[2J b' })],
  })
  expect(answer('features', wild, { stable })).toContain(' "a red b" since')
  expect(answer('features', snapshotOf('2.0.3'), { stable })).toMatch(/^not due: no change is a feature since 2.0.2;/)
  expect(answer('features', snapshotOf('2.0.3', { notes: '### Added\n* x: y' }), { stable })).toMatch(/^due:/)
})

test('each rule answers', () => {
  expect(rulesOf(snapshotOf('2.0.3')).map(({ rule }) => rule)).toEqual(['major', 'minor', 'time', 'fixes', 'features'])
})

describe('what stable has already', () => {
  const names = (...paths: readonly string[]): SnapshotInfo['files'] =>
    paths.map((path) => ({ path, sizeBytes: 1, sha256: commitOf(path) }))
  const kindOf = (snapshot: SnapshotInfo, ...stable: readonly ReleaseInfo[]): string => {
    const release = releasedAs({ snapshot, stable })
    return release === undefined ? 'new' : `${release.version} of ${release.snapshot}`
  }

  test('the same once more is nothing new', () => {
    expect(kindOf(snapshotOf('2.0.3'), released('2.0.3'), released('3.0.0'))).toBe('2.0.3 of s')
    expect(kindOf(snapshotOf('2.0.3'), released('2.0.2'))).toBe('new')
    expect(kindOf(snapshotOf('2.0.3', { release: '2' }), released('2.0.3'))).toBe('new')
  })

  test('nothing goes back to an older one', () => {
    const refusal = expect.objectContaining({
      code: 'LAGO_RELEASE_OLDER',
      message: '2.0.9 is older than what stable has, 2.0.10',
    })
    expect(() => kindOf(snapshotOf('2.0.9'), released('2.0.10'))).toThrow(refusal)
    expect(() => kindOf(snapshotOf('2.0.9'), released('2.0.9', { release: '2' }))).toThrow('stable has, 2.0.9-2')
  })

  test('a version stands for one commit, and for the same packages', () => {
    const refusal = (message: string): object =>
      expect.objectContaining({ code: 'LAGO_RELEASE_TAKEN', message: expect.stringContaining(message) })
    expect(() => kindOf(snapshotOf('2.0.3', { commit: 'a'.repeat(40) }), released('2.0.3'))).toThrow(
      refusal('not aaaaaaaa'),
    )
    expect(() =>
      kindOf(snapshotOf('2.0.3', { files: names('npm/a', 'deb/b') }), released('2.0.3', { files: names('npm/a') })),
    ).toThrow(refusal('stable has 2.0.3 already, from s: only one of them has deb/b'))
  })
})
