import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createPlainText } from '../../../src/cli/plain-text.js'

const plain = (text: string | Uint8Array): string => createPlainText()(Buffer.from(text))

test.each([
  ['text stays', 'login: root\tüñ日本', 'login: root\tüñ日本'],
  ['lines of a serial port end once', 'one\r\ntwo\nthree\r\r\n', 'one\ntwo\nthree\n\n'],
  ['a return alone does not write over the line', 'Password: \rrm -rf /', 'Password: \nrm -rf /'],
  ['colours', '\x1b[1;31mred\x1b[0m', 'red'],
  ['the title, ended by BEL or ST', '\x1b]0;evil\x07a\x1b]2;evil\x1b\\b\x9d0;evil\x9cc', 'abc'],
  ['what a terminal would answer into the shell', '\x1b[6n\x1b[c\x1bP$q"p\x1b\\\x05x', 'x'],
  ['the clipboard', '\x1b]52;c;ZXZpbA==\x07x', 'x'],
  ['character sets and resets', '\x1b(0\x1bc\x0e\x0fx', 'x'],
  ['C1 controls', '\x9b31mred\x85x', 'redx'],
  ['bells, backspaces and NUL', 'a\x07\b\0\x7fb', 'ab'],
  ['writing direction', 'a\u202eb\u2066c', 'abc'],
  ['an escape within an escape', '\x1b\x1b[31mx\x1b[3\x1b[1my', 'xy'],
])('%s', (_, printed, shown) => {
  expect(plain(printed)).toBe(shown)
})

test('a sequence that never ends hides its own line, not what follows', () => {
  expect(plain('a\x1b]0;evil\nb\x1bP\nc\x1b[12\nd')).toBe('a\nb\nc\nd')
})

test('sequences and characters may come in pieces', () => {
  const filter = createPlainText()
  const shown = [...Buffer.from('ü\x1b]0;title\x1b\\b\x1b[3', 'utf8')].map((byte) => filter(Uint8Array.of(byte)))
  expect(`${shown.join('')}${filter(Buffer.from('1mc\r'))}${filter(Buffer.from('\nd'))}`).toBe('übc\nd')
})

test('nothing that a terminal obeys comes through, whatever is printed, in whatever pieces', () => {
  const special = fc.constantFrom(
    '\x1b',
    '\x9b',
    '[',
    ']',
    '\x07',
    '\\',
    'm',
    '\n',
    '\r',
    ';',
    '0',
    'P',
    '\x90',
    '\u202e',
  )
  const piece = fc.oneof(fc.string({ unit: special }), fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const filter = createPlainText()
      const shown = pieces.map((text) => filter(Buffer.from(text))).join('')
      // eslint-disable-next-line no-control-regex -- they are what must not be there
      expect(shown).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
    }),
  )
})
