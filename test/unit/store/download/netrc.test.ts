import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { findNetrcEntry, parseNetrc, readNetrc } from '../../../../src/store/download/netrc.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const tempDir = useTempDirs()

const entry = (machine?: string, login?: string, password?: string): object => ({ machine, login, password })

describe('what is read', () => {
  test.each<[string, string, object[]]>([
    ['nothing', '', []],
    ['one line', 'machine host login ann password secret', [entry('host', 'ann', 'secret')]],
    ['several lines', '\n machine a\r\n\tpassword p\n login l\nmachine b\n', [entry('a', 'l', 'p'), entry('b')]],
    ['default', 'machine a login x\ndefault login l password p', [entry('a', 'x'), entry(undefined, 'l', 'p')]],
    ['quotes', 'machine "a" password "p \\"q\\" \\\\ \\t\\n\\x" login ""', [entry('a', '', 'p "q" \\ \t\nx')]],
    ['a quote in a word', 'machine a password p"q', [entry('a', undefined, 'p"q')]],
    ['comments', '# machine x\nmachine a # login y\nlogin l', [entry('a', 'l')]],
    ['a password like a comment', 'machine a password #p login l', [entry('a', 'l', '#p')]],
    ['a password like a word', 'machine a login default password machine', [entry('a', 'default', 'machine')]],
    ['an account', 'machine a account acc login l', [entry('a', 'l')]],
    [
      'a macro, which ends with an empty line',
      'machine a login l\nmacdef init\nmachine evil\npassword x\n\nmachine b',
      [entry('a', 'l'), entry('b')],
    ],
    ['a macro up to the end', 'macdef init\nmachine evil', []],
  ])('%s', (_, text, entries) => {
    expect(parseNetrc(text)).toEqual({ entries })
  })

  test.each([
    ['an unknown word', 'machine a login l\n\nport 80', 3],
    ['a quote without end', 'machine a\nlogin "l\npassword p', 2],
    ['a word without a value', 'machine a\nlogin l password', 2],
    ['a login of nobody', 'login l', 1],
    ['an account of nobody', '\naccount l', 2],
    ['a quote where a word should be', 'machine a\n"secret', 2],
  ])('%s is told by its line', (_, text, brokenLine) => {
    expect(parseNetrc(text)).toEqual({ brokenLine })
  })

  test('a long file is read in one go', () => {
    expect(parseNetrc('machine a login l password p\n'.repeat(20_000))).toMatchObject({ entries: { length: 20_000 } })
    expect(parseNetrc(`machine a password "${'\\"'.repeat(100_000)}`)).toEqual({ brokenLine: 1 })
  })
})

test('the first entry that fits counts', () => {
  const parsed = parseNetrc('machine A.example login 1\nmachine a.example login 2\ndefault login 3\nmachine b login 4')
  const entries = 'entries' in parsed ? parsed.entries : []
  expect(findNetrcEntry(entries, 'a.example')?.login).toBe('1')
  expect(findNetrcEntry(entries, 'a.example', '2')?.login).toBe('2')
  expect(findNetrcEntry(entries, 'b')?.login).toBe('3')
  expect(findNetrcEntry(entries, 'b', '5')).toBeUndefined()
})

describe('the file', () => {
  async function fileWith(text: string | Buffer, mode = 0o600): Promise<string> {
    const filePath = path.join(await tempDir(), 'netrc')
    await writeFile(filePath, text, { mode })
    await chmod(filePath, mode)
    return filePath
  }

  test('that is not there is nothing', async () => {
    const { task, messages } = recordedTask()
    expect(await readNetrc(task, path.join(await tempDir(), 'netrc'))).toEqual([])
    expect(await readNetrc(task, '/dev/null/netrc')).toEqual([])
    expect(messages()).toEqual([])
  })

  test('that only its owner reads is no matter', async () => {
    const { task, messages } = recordedTask()
    expect(await readNetrc(task, await fileWith('machine a'))).toHaveLength(1)
    expect(messages()).toEqual([])
  })

  test.each([0o640, 0o604, 0o622])('that others may read or write (%o) is used, with a warning', async (mode) => {
    const { task, messages } = recordedTask()
    const filePath = await fileWith('machine a login l password p', mode)
    expect(await readNetrc(task, filePath)).toHaveLength(1)
    expect(messages()).toEqual([`others may read the passwords in ${filePath}: chmod 600 ${filePath}`])
  })

  test('that is broken is not used, with a warning that has nothing of its content', async () => {
    const { task, messages } = recordedTask()
    const filePath = await fileWith('machine a login l password p\nsecret word')
    expect(await readNetrc(task, filePath)).toEqual([])
    expect(messages()).toEqual([`${filePath} is not used: line 2 is not understood`])
  })

  test('that is none of its kind is not used, with a warning', async () => {
    const { task, messages } = recordedTask()
    const dir = path.join(await tempDir(), 'netrc')
    await mkdir(dir)
    const large = await fileWith(Buffer.alloc(1024 ** 2 + 1, '\n'))
    for (const filePath of [dir, large, '/dev/zero']) expect(await readNetrc(task, filePath)).toEqual([])
    expect(messages()).toEqual(
      [dir, large, '/dev/zero'].map((filePath) => `${filePath} is not used: it is no file of that kind`),
    )
  })
})
