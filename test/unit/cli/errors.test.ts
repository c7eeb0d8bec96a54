import { expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { describeError } from '../../../src/cli/errors.js'

const cases: [string, LagoError, string][] = [
  ['a message', new LagoError('LAGO_X', 'no such thing'), 'no such thing [LAGO_X]\n'],
  [
    'a message with a hint',
    new LagoError('LAGO_X', 'no such thing', { hint: 'make one' }),
    'no such thing [LAGO_X]\n  hint: make one\n',
  ],
  [
    'several findings, a line each',
    new LagoError('LAGO_SPEC_INVALID', 'F:1:1: one\nF:2:1: two', { hint: 'mend F' }),
    'F:1:1: one [LAGO_SPEC_INVALID]\nF:2:1: two\n  hint: mend F\n',
  ],
  [
    'the usage above a usage error',
    new LagoError('LAGO_USAGE', 'unknown option -z', { data: { usage: 'usage: lago' } }),
    'usage: lago\nunknown option -z [LAGO_USAGE]\n',
  ],
]
test.each(cases)('a known error is told as %s', (_name, error, expected) => {
  expect(describeError(error, { debug: false })).toBe(expected)
})

test('a placeholder that nobody replaced is named, once', () => {
  const missing = new LagoError('LAGO_FILE', 'Test file not found: /s/@SUITE@/x.py', { hint: 'look there' })
  expect(describeError(missing, { debug: false })).toBe(
    'Test file not found: /s/@SUITE@/x.py [LAGO_FILE]\n  hint: look there\n' +
      '  hint: @SUITE@ was not replaced by what it stands for; for @SUITE@ that is the directory of the suite\n',
  )
  const told = new LagoError('LAGO_FILE', 'no file @SUITE@/x; @SUITE@ was not replaced by what it stands for')
  expect(describeError(told, { debug: false })).not.toContain('hint')
  const mail = new LagoError('LAGO_FILE', 'no user me@here.example@there')
  expect(describeError(mail, { debug: false })).not.toContain('hint')
})

test('at debug level a known error has its stack, and that of its cause', () => {
  const error = new LagoError('LAGO_X', 'outer', { cause: new Error('inner') })
  const text = describeError(error, { debug: true })
  expect(text).toMatch(/^outer \[LAGO_X\]\n.*LagoError: outer\n +at /)
  expect(text).toMatch(/\[cause\]: Error: inner\n +at /)
})

test('an unknown error always has its stack', () => {
  const text = describeError(new TypeError('x is not a function'), { debug: false })
  expect(text).toMatch(/^Error occured, aborting\nTypeError: x is not a function\n +at /)
  expect(describeError('only text', { debug: false })).toBe("Error occured, aborting\n'only text'\n")
})

test('a guest steers no terminal by what it made an error say', () => {
  const evil = '\x1b]0;evil\x07a\x1b[2J\rb\x9b31m\u202ec'
  const error = new LagoError('LAGO_X', `${evil}\ntwo`, { hint: evil, cause: new Error(evil) })
  expect(describeError(error, { debug: false })).toBe('a\nbc [LAGO_X]\ntwo\n  hint: a\nbc\n')
  for (const text of [describeError(error, { debug: true }), describeError(new Error(evil), { debug: false })])
    // eslint-disable-next-line no-control-regex -- they are what must not be there
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/)
})
