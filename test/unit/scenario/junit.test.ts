import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { readJunit, renderJunit } from '../../../src/scenario/junit.js'
import type { TestOutcome, TestResult } from '../../../src/scenario/types.js'

const PYTEST = `<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4">
<testcase classname="001_basic" name="test_good" time="0.5" />
<testcase classname="001_basic.TestX" name="test_bad[a&lt;b]" time="0.001"><failure message="AssertionError: &quot;x&quot;">def test():
&gt;   assert 0</failure></testcase>
<testcase classname="001_basic" name="test_setup" time="0"><error message="failed on setup">E</error><system-out>said</system-out></testcase>
<testcase classname="001_basic" name="test_left" time="0"><skipped type="pytest.skip" message="not here">f.py:3: not here</skipped></testcase>
</testsuite></testsuites>`

test('a file of pytest is read', () => {
  expect(readJunit(PYTEST)).toEqual([
    { name: '001_basic.test_good', outcome: 'passed', durationMs: 500 },
    {
      ...{ name: '001_basic.TestX.test_bad[a<b]', outcome: 'failed', durationMs: 1 },
      ...{ message: 'AssertionError: "x"', details: 'def test():\n>   assert 0' },
    },
    { name: '001_basic.test_setup', outcome: 'error', durationMs: 0, message: 'failed on setup', details: 'E' },
    {
      name: '001_basic.test_left',
      outcome: 'skipped',
      durationMs: 0,
      message: 'not here',
      details: 'f.py:3: not here',
    },
  ])
})

test('a file of nose is read, whose suite stands by itself', () => {
  const text = `<?xml version="1.0" encoding="UTF-8"?><testsuite name="nosetests" tests="2" errors="0" failures="1" skip="0"><testcase classname="001_basic" name="test_a" time="0.010"></testcase><testcase classname="001_basic" name="test_b" time="0.001"><failure type="exceptions.AssertionError" message="no"><![CDATA[Traceback <here>]]></failure></testcase></testsuite>`
  expect(readJunit(text)).toEqual([
    { name: '001_basic.test_a', outcome: 'passed', durationMs: 10 },
    { name: '001_basic.test_b', outcome: 'failed', durationMs: 1, message: 'no', details: 'Traceback <here>' },
  ])
})

test.each([
  ['nothing', ''],
  ['half of one', PYTEST.slice(0, 400)],
  ['another document', '<html/>'],
  ['no document', 'hello'],
])('%s is no result file', (_, text) => {
  expect(readJunit(text)).toBeUndefined()
})

test('entities that a file declares do not grow without end', () => {
  const entities = [...'bcdefghij'].map((name, index) => {
    const before = 'abcdefghij'[index]
    return `<!ENTITY ${name} "${`&${before};`.repeat(10)}">`
  })
  const text = `<!DOCTYPE t [<!ENTITY a "aaaaaaaaaa">${entities.join('')}]><testsuite><testcase name="&j;"/></testsuite>`
  expect(JSON.stringify(readJunit(text) ?? []).length).toBeLessThan(100_000)
})

const outcome = fc.constantFrom<TestOutcome>('passed', 'failed', 'error', 'skipped')
const printable = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => `x${text.trim()}x`)
const result = fc.record({ name: printable, outcome, seconds: fc.integer({ min: 0, max: 9999 }), message: printable })

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.array(result), (results) => {
      const tests = results.map(({ name, outcome, seconds, message }): TestResult => {
        const told = outcome === 'passed' ? {} : { message, details: message }
        return { name: `001.${name}`, outcome, durationMs: seconds * 1000, ...told }
      })
      const text = renderJunit('001.py', { file: '/s/001.py', startedAt: 0, durationMs: 5, tests, hasHung: false })
      expect(readJunit(text)).toEqual(tests)
    }),
  )
})

test('what XML cannot carry is replaced', () => {
  const tests: TestResult[] = [
    { name: 'a\0b', outcome: 'failed', durationMs: 0, message: '\x1b[31m', details: '\ud800' },
  ]
  const text = renderJunit('a.py', { file: '/a.py', startedAt: 0, durationMs: 0, tests, hasHung: false })
  expect(readJunit(text)).toMatchObject([{ name: 'a.a\ufffdb', message: '\ufffd[31m', details: '\ufffd' }])
})
