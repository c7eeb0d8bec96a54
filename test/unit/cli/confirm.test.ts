import { describe, expect, test } from '@jest/globals'
import { PassThrough } from 'node:stream'
import { LagoError } from '../../../src/base/errors.js'
import { confirm } from '../../../src/cli/confirm.js'

const QUESTION = 'Do you really want to destroy /w/.lago/default? [Yn] '

interface Asked {
  readonly answer: Promise<boolean>
  readonly stdin: PassThrough
  readonly stderr: PassThrough
  readonly abort: AbortController
}

function ask(): Asked {
  const [stdin, stderr, abort] = [new PassThrough(), new PassThrough(), new AbortController()]
  return { answer: confirm(QUESTION, { stdin, stderr, signal: abort.signal }), stdin, stderr, abort }
}

describe('confirm', () => {
  const answers: [string, boolean][] = [
    ['\n', true],
    ['y\n', true],
    ['Yes\n', true],
    [' y \n', true],
    ['y', true],
    ['n\n', false],
    ['No\n', false],
    ['anything\ny\n', false],
  ]
  test.each(answers)('takes %j as %s', async (text, expected) => {
    const { answer, stdin, stderr } = ask()
    stdin.end(text)
    expect(await answer).toBe(expected)
    expect(String(stderr.read())).toBe(QUESTION)
  })

  test('without a line to read asks for --yes', async () => {
    const { answer, stdin } = ask()
    stdin.end()
    await expect(answer).rejects.toMatchObject({
      code: 'LAGO_CONFIRM_REQUIRED',
      hint: expect.stringContaining('--yes'),
    })
  })

  test('stops when the run is cancelled', async () => {
    const { answer, abort } = ask()
    abort.abort(new LagoError('LAGO_CANCELLED', 'cancelled by SIGINT'))
    await expect(answer).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
  })
})
