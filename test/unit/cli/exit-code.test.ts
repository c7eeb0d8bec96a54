import { expect, test } from '@jest/globals'
import { LagoError, type ErrorCode } from '../../../src/base/errors.js'
import { exitCodeOf, signalExitCode } from '../../../src/cli/exit-code.js'

const codes: [ErrorCode, string | undefined, number][] = [
  ['LAGO_USAGE', undefined, 2],
  ['LAGO_SPEC_INVALID', 'init', 2],
  ['LAGO_PARTIAL', 'start', 2],
  ['LAGO_TIMEOUT', 'start', 2],
  ['LAGO_NO_WORKDIR', 'status', 2],
  ['LAGO_NO_PREFIX', 'status', 1],
  ['LAGO_NO_SUCH_VM', 'shell', 1],
  ['LAGO_NO_SUCH_VM', 'start', 2],
]
test.each(codes)('%s in %s exits with %d', (code, verb, expected) => {
  expect(exitCodeOf(new LagoError(code, 'x'), verb)).toBe(expected)
})

const signals: [unknown, number][] = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGNONE', 1],
  [undefined, 1],
]
test.each(signals)('cancelled by %s exits with %d', (signal, expected) => {
  expect(exitCodeOf(new LagoError('LAGO_CANCELLED', 'x', { data: { signal } }))).toBe(expected)
  expect(signalExitCode(signal)).toBe(expected)
})

test.each([new Error('x'), 'text', undefined])('anything else exits with 1: %s', (error) => {
  expect(exitCodeOf(error)).toBe(1)
})
