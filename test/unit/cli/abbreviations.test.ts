import { expect, test } from '@jest/globals'
import { expandWords, mergeTiers } from '../../../src/cli/abbreviations.js'
import type { OptionSpec } from '../../../src/cli/command.js'

const own: readonly OptionSpec[] = [
  { name: 'all-prefixes', type: 'flag', help: '' },
  { name: 'list', short: 'l', type: 'flag', help: '' },
  { name: 'wait', short: 'W', type: 'optional', help: '' },
]
const global: readonly OptionSpec[] = [
  { name: 'accel', type: 'string', help: '' },
  { name: 'loglevel', short: 'l', type: 'string', help: '' },
  { name: 'logdepth', type: 'int', help: '' },
  { name: 'out-format', short: 'f', type: 'string', help: '' },
  { name: 'yes', short: 'y', type: 'flag', help: '' },
]

const cases: [string[], string[]][] = [
  [
    ['--out', 'json'],
    ['--out-format', 'json'],
  ],
  [['--out=json'], ['--out-format=json']],
  [['--out=a=b'], ['--out-format=a=b']],
  [['--out-format'], ['--out-format']],
  [
    ['--log', 'x'],
    ['--log', 'x'],
  ],
  [['--nothing'], ['--nothing']],
  [['--a'], ['--all-prefixes']],
  [
    ['--acc', 'kvm'],
    ['--accel', 'kvm'],
  ],
  [['-fjson'], ['-f=json']],
  [['-yfjson'], ['-yf=json']],
  [
    ['-f', 'json'],
    ['-f', 'json'],
  ],
  [['-f=json'], ['-f=json']],
  [['-l'], ['-l']],
  [
    ['--wait', 'x'],
    ['--wait=true', 'x'],
  ],
  [['--wait='], ['--wait=']],
  [['--wai=ssh'], ['--wait=ssh']],
  [['-lW'], ['-lW=true']],
  [['-Wssh'], ['-W=ssh']],
  [
    ['-1', '-', 'x'],
    ['-1', '-', 'x'],
  ],
  [['-zq'], ['-zq']],
  [
    ['--out=x', '--', '--out', '-fjson'],
    ['--out-format=x', '--', '--out', '-fjson'],
  ],
]
test.each(cases)('%j becomes %j', (words, expected) => {
  expect(expandWords(words, [own, global])).toEqual(expected)
})

test('the options of a verb come before global ones, long and short', () => {
  const merged = mergeTiers([own, [...global, { name: 'list', type: 'string', help: '' }]])
  expect(merged.map(({ name, short }) => [name, short])).toEqual([
    ['all-prefixes', undefined],
    ['list', 'l'],
    ['wait', 'W'],
    ['accel', undefined],
    ['loglevel', undefined],
    ['logdepth', undefined],
    ['out-format', 'f'],
    ['yes', 'y'],
  ])
})
