import { expect, test } from '@jest/globals'
import { formatTimeSpan, parseTimeSpan } from '../../../src/base/time-span.js'

test.each([
  ['90s', 90_000],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['1h30m', 5_400_000],
  ['3d', 259_200_000],
])('%s is %i ms', (text, expected) => {
  expect(parseTimeSpan(text)).toBe(expected)
})

test.each(['', '0h', '2', 'h', '-2h', '1.5h', '2 h', '2w', '99999999999d', '999999999d', 'never'])(
  '%j is none',
  (text) => {
    expect(parseTimeSpan(text)).toBeUndefined()
  },
)

test.each([
  [0, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_725_000, '1 h 2 min'],
  [7_200_000, '2 h'],
  [180_000_000, '2 d 2 h'],
  [-5, '0 s'],
])('%i ms reads %s', (spanMs, expected) => {
  expect(formatTimeSpan(spanMs)).toBe(expected)
})
