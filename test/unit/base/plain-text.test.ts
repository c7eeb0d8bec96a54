import { expect, test } from '@jest/globals'
import { lastLines, plainLine, plainText } from '../../../src/base/plain-text.js'

test('a text keeps its lines and tabs, and nothing that a terminal obeys', () => {
  expect(plainText('\x1b[31mone\x1b[0m\ttab\r\ntwo\x07\x9d0;evil\x9c\u202e')).toBe('one\ttab\ntwo')
})

test('a line is one line, and as long as it may be', () => {
  expect(plainLine(' one \r\n\n two\x1b]0;evil\x07 ')).toBe('one two')
  expect(plainLine('\u{1f600}'.repeat(1000), 3)).toBe('\u{1f600}'.repeat(3))
  expect(plainLine('x'.repeat(1000))).toHaveLength(300)
})

test.each([
  ['the last of many', 'a\nb\nc\n', ['b', 'c']],
  ['blank ones left out', 'a\n\n \n\x1b[0m\nb\n\n', ['a', 'b']],
  ['what was overwritten counts too', 'a\rb', ['a', 'b']],
  ['none', ' \n', []],
  ['long ones cut', `a\n${'x'.repeat(50)}`, ['a', 'xxxxxxxx']],
])('last lines: %s', (_, text, lines) => {
  expect(lastLines(text, 2, 8)).toEqual(lines)
})
