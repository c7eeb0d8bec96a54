import { describe, expect, test } from '@jest/globals'
import { beforeEscape, parseEscapeKey } from '../../../src/cli/escape-key.js'

describe('the key', () => {
  test.each([
    ['^]', 0x1d, '^]'],
    ['^a', 0x01, '^A'],
    ['^A', 0x01, '^A'],
    ['^[', 0x1b, '^['],
    ['^^', 0x1e, '^^'],
    ['^_', 0x1f, '^_'],
    ['^?', 0x7f, '^?'],
    ['^', 0x5e, '^'],
    ['~', 0x7e, '~'],
  ])('%s is byte %i', (text, byte, shown) => {
    expect(parseEscapeKey(text)).toEqual({ text: shown, byte })
  })

  test.each(['', '^]]', 'ab', '^1', ' ', 'ü', '\x1d'])('%j is none', (text) => {
    expect(() => parseEscapeKey(text)).toThrow(expect.objectContaining({ code: 'LAGO_USAGE' }))
  })
})

test('what was typed before the key still goes to the guest, what comes after it does not', () => {
  const key = parseEscapeKey('^]')
  const split = (text: string): [string, boolean] => {
    const { typed, escaped } = beforeEscape(Buffer.from(text), key)
    return [Buffer.from(typed).toString(), escaped]
  }
  expect(split('ls\r')).toEqual(['ls\r', false])
  expect(split('ls\r\x1drm\x1d')).toEqual(['ls\r', true])
  expect(split('\x1d')).toEqual(['', true])
})
