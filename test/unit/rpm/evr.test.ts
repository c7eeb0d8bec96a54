import { describe, expect, test } from '@jest/globals'
import { compareEvr, compareVersions } from '../../../src/rpm/evr.js'
import { runCommand } from '../../../src/base/process.js'
import { nevra } from '../../../src/rpm/package.js'
import { recordedTask } from '../../helpers/recorded-task.js'

const pairs: [older: string, newer: string][] = [
  ['1.0', '1.1'],
  ['1.9', '1.10'],
  ['1.0', '1.0.1'],
  ['1.0a', '1.0.1'],
  ['1.0', '1.0a'],
  ['1.0~rc1', '1.0'],
  ['1.0~rc1', '1.0~rc2'],
  ['1.0', '1.0^git1'],
  ['1.0^git1', '1.0.1'],
  ['1.0^git1~pre', '1.0^git1'],
  ['a', 'b'],
  ['a', '1'],
  ['99999999999999999998', '99999999999999999999'],
  ['', '1'],
  ['~', ''],
]

describe('compareVersions', () => {
  test.each(pairs)('%s is older than %s', (older, newer) => {
    expect(Math.sign(compareVersions(older, newer))).toBe(-1)
    expect(Math.sign(compareVersions(newer, older))).toBe(1)
  })

  test.each([
    ['1.0', '1_0'],
    ['1.05', '1.5'],
    ['1.0.', '1.0'],
    ['1..0', '1.0'],
  ])('%s is the same as %s', (a, b) => {
    expect(compareVersions(a, b)).toBe(0)
  })
})

test('the epoch comes first, then the version, then the release', () => {
  const base = { epoch: 0, version: '1', release: '1' }
  expect(compareEvr({ ...base, epoch: 1 }, { ...base, version: '9' })).toBeGreaterThan(0)
  expect(compareEvr({ ...base, version: '2' }, { ...base, release: '9' })).toBeGreaterThan(0)
  expect(compareEvr({ ...base, release: '2' }, base)).toBeGreaterThan(0)
})

test('a package is written as rpm writes it', () => {
  const bash = { name: 'bash', epoch: 0, version: '5.1', release: '9.el9', arch: 'x86_64' }
  expect(nevra(bash)).toBe('bash-5.1-9.el9.x86_64')
  expect(nevra({ ...bash, epoch: 2 })).toBe('bash-2:5.1-9.el9.x86_64')
})

test("rpm's own comparison agrees", async () => {
  const { task } = recordedTask()
  // rpm itself takes no version without a letter or a number
  const known = pairs.filter((pair) => pair.every((version) => /\w/.test(version)))
  const script = known.map(([a, b]) => `print(rpm.vercmp("${a}", "${b}"))`).join(' ')
  const { stdout } = await runCommand(task, ['rpm', '--eval', `%{lua:${script}}`])
  expect(stdout.trim().match(/-1|0|1/g)).toEqual(known.map(() => '-1'))
})
