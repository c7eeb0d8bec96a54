import { execFileSync } from 'node:child_process'
import { afterEach, describe, expect, test } from '@jest/globals'
import { hashPassword } from '../../../src/bootstrap/password.js'
import { recordedTask } from '../../helpers/recorded-task.js'

const PATH = process.env['PATH']
afterEach(() => {
  process.env['PATH'] = PATH
})

function saltOf(hash = ''): string {
  return hash.split('$')[2] ?? ''
}

/** The same password with the same salt. */
function hashedAgain(password: string, hash: string): string {
  const words = ['passwd', '-6', '-salt', saltOf(hash), '-stdin']
  return execFileSync('openssl', words, { input: `${password}\n`, encoding: 'utf8' }).trimEnd()
}

test.each(['123456', ' with blanks ', "it's $HOME `id` \\", '-6', 'pässwörd', 'x'.repeat(256)])(
  'the hash is that of the password: %s',
  async (password) => {
    const { task, messages } = recordedTask()
    const hash = await hashPassword(task, password)
    expect(hash).toBe(hashedAgain(password, hash))
    expect(hash).toMatch(/^\$6\$[^$:\s]{8,16}\$[^$:\s]{86}$/)
    expect(messages().join('\n')).toBe('run: openssl passwd -6 -stdin')
  },
)

test('VMs that share a password share the work; another password has another salt', async () => {
  const { task, messages } = recordedTask()
  const [first, ...others] = await Promise.all(
    ['1st', '1st', '1st', '2nd'].map(async (text) => hashPassword(task, text)),
  )
  expect(others.slice(0, 2)).toEqual([first, first])
  expect(saltOf(others[2])).not.toBe(saltOf(first))
  expect(messages()).toHaveLength(2)
})

test('an abort is that of its own task alone', async () => {
  const [aborted, other] = [recordedTask(), recordedTask()]
  const given = hashPassword(aborted.task, 'shared')
  const wanted = hashPassword(other.task, 'shared')
  aborted.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  expect(await wanted).toMatch(/^\$6\$/)
})

describe('what openssl would make something else of is refused', () => {
  test.each([
    ['nothing', ''],
    ['two lines', 'one\ntwo'],
    ['a return', 'one\r'],
    ['a NUL', 'a\0b'],
    ['more than it reads', 'x'.repeat(257)],
    ['more than it reads, in bytes', 'ä'.repeat(129)],
  ])('%s', async (_, password) => {
    const { task } = recordedTask()
    const refused = { code: 'LAGO_PASSWORD', hint: expect.stringContaining('root-password'), data: {} }
    await expect(hashPassword(task, password)).rejects.toMatchObject(refused)
    if (password !== '') await expect(hashPassword(task, password)).rejects.not.toThrow(password)
  })
})

test('a missing openssl is named', async () => {
  process.env['PATH'] = '/nonexistent'
  const missing = { code: 'LAGO_COMMAND_MISSING', hint: 'install the package openssl' }
  await expect(hashPassword(recordedTask().task, 'not yet hashed')).rejects.toMatchObject(missing)
})
