import { AssertionError } from 'node:assert'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { assertEqualsWithin, assertTrueWithin, prefixedName } from '../../../../src/plugins/ovirt/testlib.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const quick = { firstPauseMs: 1, pauseMs: 1 }

describe('assertEqualsWithin', () => {
  test('ends with the first answer that is right; equal is what deepStrictEqual says', async () => {
    const answers = [{ state: 'down' }, { state: 'booting' }, { state: 'up' }, { state: 'gone' }]
    await assertEqualsWithin(() => answers.shift(), { state: 'up' }, 60_000, quick)
    expect(answers).toEqual([{ state: 'gone' }])
  })

  test('tells what it has seen last when the time is over', async () => {
    const waiting = assertEqualsWithin(async () => 'down', 'up', 5, quick)
    await expect(waiting).rejects.toThrow("'down' != 'up' after 0.005 seconds")
    await expect(waiting).rejects.toBeInstanceOf(AssertionError)
    await expect(assertEqualsWithin(() => 1, 2, 0, { ...quick, message: 'no host' })).rejects.toThrow('no host')
  })

  test('tries at least once, and not after the time', async () => {
    let tries = 0
    await assertEqualsWithin(() => ++tries, 1, 0, quick)
    expect(tries).toBe(1)
  })

  test('an exception ends the wait, unless it is allowed', async () => {
    const errors = [new RangeError('not yet'), new TypeError('broken')]
    const probe = (): boolean => {
      const error = errors.shift()
      if (error !== undefined) throw error
      return true
    }
    const waiting = assertTrueWithin(probe, 60_000, { ...quick, allowed: [RangeError] })
    await expect(waiting).rejects.toThrow('broken')
    await assertTrueWithin(probe, 60_000, quick)
    const always = assertTrueWithin(() => Promise.reject(new RangeError('not yet')), 3, {
      ...quick,
      allowed: [RangeError],
    })
    await expect(always).rejects.toThrow(/RangeError: not yet[\s\S]*!= true after 0\.003 seconds/)
  })
})

test('names bear the last part of the suite', () => {
  expect(prefixedName('dc', '/suites/basic_suite_4.2/')).toBe('lago-basic_suite_4.2-dc')
  expect(prefixedName('dc', '')).toBe('lago--dc')
})

test('a sequence is skipped from its first failure on, unless that test may fail', async () => {
  const dir = await makeTempDir()
  const library = new URL('../../../../src/plugins/ovirt/testlib.js', import.meta.url).href
  await writeFile(
    path.join(dir, 'sequence.mjs'),
    `import { continueOnFailure, testSequence } from ${JSON.stringify(library)}
const one = () => undefined
const two = continueOnFailure(async () => { throw new Error('may be') })
Object.defineProperty(two, 'name', { value: 'two' })
const three = () => { throw new Error('no') }
const four = () => console.log('four has run')
testSequence([one, two, three, four])
`,
  )
  const argv = ['--test-reporter=tap', path.join(dir, 'sequence.mjs')]
  const run = promisify(execFile)(process.execPath, argv, { env: { PATH: process.env['PATH'] } })
  const { stdout } = await run.catch((error: unknown) => error as { stdout: string }) // it has failed tests
  expect(stdout.match(/^(not )?ok .*/gm)).toEqual([
    'ok 1 - one',
    'not ok 2 - two',
    'not ok 3 - three',
    expect.stringMatching(/^ok 4 - four # SKIP three.*before it.*has failed$/),
  ])
  expect(stdout).not.toContain('four has run')
})
