/** What is read from the messages of commits. */
import fc from 'fast-check'
import { describe, expect, test } from '@jest/globals'
import { bugsOf } from '../../../scripts/versioning/bugs.js'
import { semVerOf } from '../../../scripts/versioning/sem-ver.js'
import { subjectOf } from '../../../scripts/versioning/subject.js'

describe('semVerOf', () => {
  test.each<[string, string | undefined]>([
    ['s\n\nSem-Ver: api-breaking\n', 'breaking'],
    ['s\n\nsem-ver: py2-breaking\n', 'breaking'],
    ['s\n\nSEM-VER:unBREAKable\n', 'breaking'],
    ['s\n\nSem-Ver: feature\n', 'feature'],
    ['s\n\nsem-ver:FEATURE\n', 'feature'],
    ['s\nSem-Ver: feature\n\nMore text\n', 'feature'],
    ['s\n\nSem-Ver: feature\nSem-Ver: api-breaking\n', 'breaking'],
    ['s\n\nSem-Ver:\n\n  feature\n', 'feature'],
    ['s\n\nSem-Ver:\n\nWe break with habits\n', 'breaking'],
    ['s\n\nSem-Ver:\u00a0\u3000\x1cfeature\n', 'feature'],
    ['s\n\nSem-Ver: what\rbreaks\n', 'breaking'],
    ['s\n\nSem-Ver: api-breaking', undefined],
    ['s\n\nSem-Ver: feature', undefined],
    ['s\n\nSem-Ver: feature \n', undefined],
    ['s\n\nSem-Ver: feature\r\n', undefined],
    ['s\n\nSem-Ver: new feature\n', undefined],
    ['s\n\nSem-Ver: bugfix\nbreak\n', undefined],
    ['s\n\n Sem-Ver: api-breaking\n', undefined],
    ['s\n\nSem-Ver : api-breaking\n', undefined],
    ['s\n\nMy Sem-Ver: api-breaking\n', undefined],
    ['Sem-Ver: api-breaking\n', undefined],
    ['\nSem-Ver: api-breaking\n', 'breaking'],
    ['', undefined],
  ])('%j: %s', (message, expected) => {
    expect(semVerOf(message)).toBe(expected)
  })

  test('is as the expressions of the specification say', () => {
    const piece = fc.constantFrom(
      '\n',
      ' ',
      '\t',
      '\r',
      'sem-ver:',
      'Sem-Ver:',
      'feature',
      'break',
      'FEATURE',
      'x',
      ':',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const message = pieces.join('')
        const expected = /\nsem-ver:\s*[^\n]*break[^\n]*\n/i.test(message)
          ? 'breaking'
          : /\nsem-ver:\s*feature\n/i.test(message)
            ? 'feature'
            : undefined
        expect(semVerOf(message)).toBe(expected)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('bugsOf', () => {
  test.each<[string, string[]]>([
    ['s\n\nBug-Url: https://bugzilla.redhat.com/1234567\n', ['1234567']],
    ['s\n\nBug-Url: http://bugzilla.redhat.com/show_bug.cgi?id=12', ['12']],
    ['s\n\nBug-Url: https://bugzilla.example.com/show_bug.cgi?id=1#c2\nBug-Url: https://bugzilla.x/2\n', ['1', '2']],
    ['Bug-Url: https://bugzilla.redhat.com/3', ['3']],
    ['see Bug-Url: https://bugzilla.redhat.com/4 for more', ['4']],
    ['Bug-Url: https://bugzilla.redhat.com/12/34', ['34']],
    ['Bug-Url: https://bugzilla.redhat.com/12/x', ['12']],
    ['Bug-Url: https://bugzilla.x/1\nBug-Url: https://bugzilla.x/1', ['1', '1']],
    ['bug-url: https://bugzilla.redhat.com/1', []],
    ['Bug-Url: https://github.com/lago-project/lago/issues/1', []],
    ['Bug-Url:\nhttps://bugzilla.redhat.com/1', []],
    ['Bug-Url: https://bugzilla2', []],
  ])('%j: %j', (message, expected) => {
    expect(bugsOf(message)).toEqual(expected)
  })

  test('is as the expression of the specification says', () => {
    const piece = fc.constantFrom('\n', 'Bug-Url: http', 's', '://bugzilla', '/', '12', '3', 'x', '?id=', ' ')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
        const message = `Bug-Url: https://bugzilla${pieces.join('')}`
        const expected = message
          .split('\n')
          .flatMap((line) => /.*Bug-Url: https?:\/\/bugzilla.*\/[^0-9]*([0-9]+)/.exec(line)?.[1] ?? [])
        expect(bugsOf(message)).toEqual(expected)
      }),
      { numRuns: 5000 },
    )
  })
})

test('messages of megabytes that fit almost take no time', () => {
  const spaces = `\nsem-ver:${' '.repeat(3_000_000)}`
  expect(semVerOf(spaces)).toBeUndefined()
  expect(semVerOf('\nsem-ver:'.repeat(500_000))).toBeUndefined()
  expect(bugsOf('Bug-Url: https://bugzilla/'.repeat(200_000))).toEqual([])
  expect(bugsOf(`Bug-Url: https://bugzilla/${'1x'.repeat(1_000_000)}`)).toEqual(['1'])
})

test.each([
  ['one line', 'one line'],
  ['first\nsecond', 'first'],
  ['\nsecond', ''],
  ['', ''],
])('the subject of %j is %j', (message, subject) => {
  expect(subjectOf(message)).toBe(subject)
})
