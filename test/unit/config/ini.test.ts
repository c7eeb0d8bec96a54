import { describe, expect, test } from '@jest/globals'
import { isLagoError } from '../../../src/base/errors.js'
import { parseIni } from '../../../src/config/ini.js'

function parsed(text: string): Record<string, Record<string, string>> {
  const sections = [...parseIni(text, '/x/lago.conf')]
  return Object.fromEntries(sections.map(([name, values]) => [name, Object.fromEntries(values)]))
}

describe('parseIni reads', () => {
  const cases: [string, string, Record<string, Record<string, string>>][] = [
    ['both delimiters', '[lago]\nloglevel = debug\nlogdepth: 5\n', { lago: { loglevel: 'debug', logdepth: '5' } }],
    [
      'the first delimiter only',
      '[lago]\nlibvirt_url = qemu+ssh://h/system?a=b',
      { lago: { libvirt_url: 'qemu+ssh://h/system?a=b' } },
    ],
    ['keys in lower case and sections as written', '[Init]\nTemplate_Store=/s', { Init: { template_store: '/s' } }],
    [
      'full-line comments',
      '# one\n[lago]\n  ; two\nssh_user = me # not a comment',
      { lago: { ssh_user: 'me # not a comment' } },
    ],
    [
      'continuation lines',
      '[a]\nkey = one\n  two\n# no\n\tthree\nother = x',
      { a: { key: 'one\ntwo\nthree', other: 'x' } },
    ],
    ['a value that begins on the next line', '[a]\nkey =\n  two', { a: { key: 'two' } }],
    ['empty values', '[a]\nkey =\n', { a: { key: '' } }],
    ['Windows line ends', '[a]\r\nkey = v\r\n', { a: { key: 'v' } }],
    ['nothing', '', {}],
    ['percent signs and dollars as they are', '[a]\nk = 100%$X', { a: { k: '100%$X' } }],
  ]
  test.each(cases)('%s', (_name, text, expected) => {
    expect(parsed(text)).toEqual(expected)
  })
})

describe('parseIni refuses, with file and line,', () => {
  const cases: [string, string, string][] = [
    ['a key before any section', 'a = b', '/x/lago.conf:1: "a" stands before the first [section]'],
    ['a line that is neither', '[a]\nnonsense', '/x/lago.conf:2: "nonsense" is neither [section] nor key = value'],
    ['an empty key', '[a]\n= x', '/x/lago.conf:2: "= x" is neither [section] nor key = value'],
    ['a key given twice', '[a]\nk = 1\nK = 2', '/x/lago.conf:3: "k" is given twice in [a]'],
    ['a section given twice', '[a]\n[b]\n[a]', '/x/lago.conf:3: section [a] is given twice'],
  ]
  test.each(cases)('%s', (_name, text, message) => {
    try {
      parseIni(text, '/x/lago.conf')
    } catch (error) {
      expect(isLagoError(error, 'LAGO_USAGE')).toBe(true)
      expect(error).toHaveProperty('message', message)
      return
    }
    throw new Error('nothing was thrown')
  })
})
