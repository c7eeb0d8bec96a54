import { execFile } from 'node:child_process'
import { appendFile, chmod, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import {
  beginConsoleLog,
  ensureConsoleLog,
  followConsoleLog,
  readConsoleLog,
  tailConsoleLog,
} from '../../../src/vm/console-log.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const run = promisify(execFile)
const tempDir = useTempDirs()

async function newLog(): Promise<string> {
  const logPath = path.join(await tempDir(), 'logs', 'console-vm0.log')
  await beginConsoleLog(logPath)
  return logPath
}

test('what is neither a file nor a link is not moved away', async () => {
  const logPath = path.join(await tempDir(), 'console-vm0.log')
  await run('mkfifo', [logPath])
  await expect(beginConsoleLog(logPath)).rejects.toMatchObject({ code: 'EEXIST' })
  expect(await readdir(path.dirname(logPath))).toEqual(['console-vm0.log'])
})

/** root may read everything: until the end of the block it is nobody. */
function anyUser(): Disposable {
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.('nobody')
  return { [Symbol.dispose]: () => (isRoot ? process.seteuid?.(0) : undefined) }
}

/** As virtlogd does. */
async function rotate(logPath: string, backups = 3): Promise<void> {
  for (let number = backups - 2; number >= 0; number--)
    await rename(`${logPath}.${number}`, `${logPath}.${number + 1}`).catch(() => undefined)
  await rename(logPath, `${logPath}.0`)
  await writeFile(logPath, '', { mode: 0o600 })
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const chunk of chunks) text += Buffer.from(chunk).toString()
  return text
}

describe('a log that begins', () => {
  test("is empty and its user's alone, and the one before is kept", async () => {
    const logPath = await newLog()
    expect((await stat(logPath)).mode & 0o777).toBe(0o600)
    await appendFile(logPath, 'first boot')
    await rotate(logPath)
    await appendFile(logPath, 'its end')
    await beginConsoleLog(logPath)
    expect(await readFile(logPath, 'utf8')).toBe('')
    expect(await readFile(`${logPath}.previous`, 'utf8')).toBe('its end')
    expect(await readdir(path.dirname(logPath))).toHaveLength(2)
  })

  test('does not follow a link that stands in its place', async () => {
    const logPath = await newLog()
    const other = path.join(await tempDir(), 'precious')
    await writeFile(other, 'precious')
    await rename(logPath, `${logPath}.previous`)
    await symlink(other, logPath)
    await beginConsoleLog(logPath)
    expect((await stat(logPath)).size).toBe(0)
    expect(await readFile(other, 'utf8')).toBe('precious')
  })

  test('of a VM that goes on keeps what is there', async () => {
    const logPath = path.join(await tempDir(), 'logs', 'console-vm0.log')
    await ensureConsoleLog(logPath)
    expect((await stat(logPath)).mode & 0o777).toBe(0o600)
    await appendFile(logPath, 'before')
    await ensureConsoleLog(logPath)
    expect(await readFile(logPath, 'utf8')).toBe('before')
  })
})

describe('reading', () => {
  test('gives everything since boot, oldest first, from all the files', async () => {
    const logPath = await newLog()
    for (const part of ['one ', 'two ', 'three ']) {
      await appendFile(logPath, part)
      await rotate(logPath)
    }
    await appendFile(logPath, 'four')
    await writeFile(`${logPath}.previous`, 'another boot')
    expect(await textOf(readConsoleLog(logPath))).toBe('one two three four')
    expect((await tailConsoleLog(logPath, 8)).toString()).toBe('ree four')
  })

  test('of the end begins in the file in which that begins', async () => {
    const logPath = await newLog()
    for (const part of ['one', 'two', 'three']) {
      await appendFile(logPath, part)
      await rotate(logPath)
    }
    const ends = [0, 1, 5, 6, 8, 11, 12].map(async (size) => (await tailConsoleLog(logPath, size)).toString())
    expect(await Promise.all(ends)).toEqual(['', 'e', 'three', 'othree', 'twothree', 'onetwothree', 'onetwothree'])
  })

  test('says that there is none', async () => {
    const logPath = path.join(await tempDir(), 'console-vm0.log')
    await expect(textOf(readConsoleLog(logPath))).rejects.toMatchObject({ code: 'LAGO_NO_CONSOLE_LOG' })
    expect(await tailConsoleLog(logPath, 100)).toHaveLength(0)
  })

  test('says why a file that virtlogd began cannot be read', async () => {
    const logPath = await newLog()
    for (const dir of [path.dirname(logPath), path.dirname(path.dirname(logPath))]) await chmod(dir, 0o777)
    await chmod(logPath, 0)
    using _user = anyUser()
    await expect(textOf(readConsoleLog(logPath))).rejects.toMatchObject({
      code: 'LAGO_PERMISSION',
      hint: expect.stringContaining('max_size'),
    })
    await expect(tailConsoleLog(logPath, 10)).rejects.toMatchObject({ code: 'LAGO_PERMISSION' })
    await writeFile(`${logPath}.0`, 'what there was')
    expect((await tailConsoleLog(logPath, 1000)).toString()).toMatch(
      /^what there was\n\[the rest is missing: .* can be read by root alone.*\]\n$/,
    )
  })
})

describe('following', () => {
  /** Reads until `text` has come. */
  async function until(follower: AsyncIterator<Uint8Array>, text: string): Promise<string> {
    let seen = ''
    while (!seen.includes(text)) {
      const { value, done } = await follower.next()
      if (done === true) throw new Error(`ended before ${text}: ${seen}`)
      seen += Buffer.from(value).toString()
    }
    return seen
  }

  test('goes on across renamed files, however many, until the VM has ended', async () => {
    const logPath = await newLog()
    let end = (): void => undefined
    const ended = new Promise<void>((resolve) => (end = resolve))
    const follower = followConsoleLog(recordedTask().task, logPath, ended)
    await appendFile(logPath, 'one ')
    expect(await until(follower, 'one ')).toBe('one ')
    await appendFile(logPath, 'late ')
    await rotate(logPath)
    await appendFile(logPath, 'two ')
    await rotate(logPath)
    await appendFile(logPath, 'three ')
    expect(await until(follower, 'three ')).toBe('late two three ')
    end()
    await appendFile(logPath, 'last words')
    expect(await textOf({ [Symbol.asyncIterator]: () => follower })).toBe('last words')
  })

  test('tells of what was dropped before it was read', async () => {
    const logPath = await newLog()
    const follower = followConsoleLog(recordedTask().task, logPath, new Promise(() => undefined))
    await appendFile(logPath, 'one ')
    await until(follower, 'one ')
    for (const part of ['two ', 'three ', 'four ', 'five ']) {
      await rotate(logPath, 2)
      await appendFile(logPath, part)
    }
    expect(await until(follower, 'five ')).toMatch(/^\n\[.*missing.*\]\nthree four five $/)
    await follower.return(undefined)
  })

  test('goes on with the next start, the end of the one before included', async () => {
    const logPath = await newLog()
    const follower = followConsoleLog(recordedTask().task, logPath, new Promise(() => undefined))
    await appendFile(logPath, 'one ')
    await until(follower, 'one ')
    await appendFile(logPath, 'its end ')
    await beginConsoleLog(logPath)
    await appendFile(logPath, 'next start')
    expect(await until(follower, 'next start')).toBe('its end next start')
    await follower.return(undefined)
  })

  test('stops with the task', async () => {
    const logPath = await newLog()
    const { task, abort } = recordedTask()
    const follower = followConsoleLog(task, logPath, new Promise(() => undefined))
    const next = follower.next()
    abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
  })
})
