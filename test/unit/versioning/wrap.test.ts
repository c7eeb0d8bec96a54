import fc from 'fast-check'
import { describe, expect, test } from '@jest/globals'
import { wrap } from '../../../scripts/versioning/wrap.js'
import { modelWrap } from '../../helpers/version-model.js'

const x = (length: number): string => 'x'.repeat(length)
const lines = (...texts: string[]): string => texts.map((text) => `    ${text}`).join('\n')
const HANG = ' '.repeat(10)

describe('wrap', () => {
  test.each<[string, string, string]>([
    ['a text of 75 characters stays on one line', `a ${x(73)}`, lines(`a ${x(73)}`)],
    ['an empty text is an indent', '', lines('')],
    ['the last space before the limit is where it breaks', `aa bb ${x(70)}`, lines('aa bb', `${HANG}${x(70)}`)],
    [
      'what goes on has 10 spaces within the 75',
      `aaa ${x(60)} ${x(20)} ${x(44)} bbb`,
      lines(`aaa ${x(60)}`, `${HANG}${x(20)} ${x(44)}`, ' bbb'),
    ],
    ['a limit on a space cuts there, and the space goes on', `${x(75)} yy`, lines(x(75), ' yy')],
    ['a space behind the limit alone is no limit on a space', `${x(76)} yy`, lines(`${x(75)}-`, 'x yy')],
    ['a last word that is too long stays whole', `aa ${x(200)}`, lines('aa', `${HANG}${x(200)}`)],
    ['one word stays whole', x(200), lines(x(200))],
    ['a first word that is too long is cut with a dash', `${x(100)} b`, lines(`${x(75)}-`, `${x(25)} b`)],
    ['65 characters have room behind the 10 spaces', `a ${x(75)} b`, lines('a', `${HANG}${x(65)}-`, `${x(10)} b`)],
    ['a word of 65 with text behind it', `a${x(70)} ${x(65)} b`, lines(`a${x(70)}`, `${HANG}${x(65)}`, ' b')],
    [
      'a word of 66 with text behind it, on which upstream never ended, is cut',
      `a${x(70)} ${x(66)} b`,
      lines(`a${x(70)}`, `${HANG}${x(65)}-`, 'x b'),
    ],
    ['so is one behind the space of a limit', `${x(75)} ${x(80)} b`, lines(x(75), ` ${x(74)}-`, `${x(6)} b`)],
    ['spaces are kept as they are', `a  b${' '.repeat(3)}${x(75)}`, lines('a  b  ', `${HANG}${x(75)}`)],
    ['a column is a code point', `${'🦊'.repeat(75)} b`, lines('🦊'.repeat(75), ' b')],
  ])('%s', (_name, text, expected) => {
    expect(wrap(text)).toBe(expected)
  })

  test('is as the rules say for any text', () => {
    const word = fc.integer({ min: 0, max: 160 }).map(x)
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        expect(`${wrap(words.join(' '))}\n`).toBe(modelWrap(words.join(' ')))
      }),
      { numRuns: 2000 },
    )
  })

  test.each<[string, string]>([
    ['without a space', x(5_000_000)],
    ['of long words', `${x(2_000_000)} `.repeat(2)],
    ['of spaces', `a${' '.repeat(5_000_000)}b`],
    ['of nothing but spaces', ' '.repeat(5_000_000)],
  ])('ends for a line of megabytes %s', (_name, text) => {
    expect(wrap(text).length).toBeGreaterThanOrEqual(text.length)
  })
})
