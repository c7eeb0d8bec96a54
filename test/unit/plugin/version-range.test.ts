import { expect, test } from '@jest/globals'
import { isInRange } from '../../../src/plugin/version-range.js'

test.each<[string, string, boolean | undefined]>([
  ['2.1.3', '>=2.1', true],
  ['2.0.9', '>=2.1', false],
  ['2.1.3', '>=2.1 <3', true],
  ['3.0.0', '>=2.1 <3', false],
  ['3.0.0-rc.1', '<3', false],
  ['2.0.0-alpha.1', '>=2.0.0', true],
  ['2.9.0', '^2.1', true],
  ['2.0.9', '^2.1', false],
  ['3.1.0', '^2.1', false],
  ['2.1.9', '2.1', true],
  ['2.2.0', '2.1', false],
  ['2.1.0', '=2.1.0', true],
  ['2.1.1', '2.1.0', false],
  ['2.1.5', '>2.1', false],
  ['2.2.0', '>2.1', true],
  ['2.1.5', '<=2.1', true],
  ['2.10.0', '>2.9', true],
  ['2.1.0', '', undefined],
  ['2.1.0', '>= 2', undefined],
  ['2.1.0', 'latest', undefined],
  ['2.1.0', '>=2 or so', undefined],
  ['1.0.0', '>=2 latest', undefined],
])('%s in "%s": %s', (version, range, answer) => {
  expect(isInRange(version, range)).toBe(answer)
})
