import { EventEmitter, once } from 'node:events'
import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { followConsoleLines, plainLine, type ConsoleFollower } from '../../../src/prefix/console-lines.js'
import { beginConsoleLog } from '../../../src/vm/console-log.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

interface Followed {
  readonly lines: string[]
  readonly follower: ConsoleFollower
  /** Waits until this line has come, whole or not. */
  line(text: string): Promise<void>
}

async function follow(logPath: string): Promise<Followed> {
  const lines: string[] = []
  const seen = new Set<string>()
  const came = new EventEmitter()
  const follower = await followConsoleLines(recordedTask().task, logPath, (more, unfinished) => {
    lines.push(...more)
    for (const line of [...more, unfinished]) seen.add(line)
    came.emit('lines')
  })
  return {
    lines,
    follower,
    async line(text) {
      while (!seen.has(text)) await once(came, 'lines')
    },
  }
}

test('what is there is told at once, what is added as it comes', async () => {
  const logPath = path.join(await makeTempDir(), 'console-vm0.log')
  await writeFile(logPath, 'first\r\nsec')
  const { lines, follower, line } = await follow(logPath)
  await using _closed = follower
  expect(follower.isThere).toBe(true)
  expect(lines).toEqual(['first'])
  await appendFile(logPath, 'ond\r\nmini log')
  await line('mini log')
  await appendFile(logPath, 'in: ')
  await line('mini login:')
  expect(lines).toEqual(['first', 'second'])
})

test('a log that is not there yet is followed from its first byte', async () => {
  const dir = await makeTempDir()
  const { lines, follower, line } = await follow(path.join(dir, 'console-vm0.log'))
  await using _closed = follower
  expect(follower.isThere).toBe(false)
  await writeFile(path.join(dir, 'console-vm0.log'), 'hello\n')
  await line('hello')
  expect([lines, follower.isThere]).toEqual([['hello'], true])
})

test('a log that is begun anew, or replaced, is read from its beginning', async () => {
  const dir = await makeTempDir()
  const logPath = path.join(dir, 'console-vm0.log')
  await writeFile(logPath, 'a long line of the first run\nunfinished')
  const { lines, follower, line } = await follow(logPath)
  await using _closed = follower
  await writeFile(logPath, 'second run\n')
  await line('second run')
  await beginConsoleLog(logPath)
  await appendFile(logPath, 'third run, which is longer\n')
  await line('third run, which is longer')
  expect(lines).toEqual(['a long line of the first run', 'second run', 'third run, which is longer'])
})

test('what came between the last look and a rename by virtlogd is not lost', async () => {
  const logPath = path.join(await makeTempDir(), 'console-vm0.log')
  await writeFile(logPath, 'one\nKernel pa')
  const { lines, follower, line } = await follow(logPath)
  await using _closed = follower
  // while nothing is read: no turn of the event loop
  appendFileSync(logPath, 'nic - not syncing\n')
  renameSync(logPath, `${logPath}.0`)
  writeFileSync(logPath, 'two\n')
  await line('two')
  expect(lines).toEqual(['one', 'Kernel panic - not syncing', 'two'])
})

test('of a log of several files the end is read', async () => {
  const logPath = path.join(await makeTempDir(), 'console-vm0.log')
  await writeFile(`${logPath}.1`, 'lost\n')
  await writeFile(`${logPath}.0`, `${'x'.repeat(1024 ** 2)}\nnear the end\n`)
  await writeFile(logPath, 'last\n')
  const { lines, follower } = await follow(logPath)
  await using _closed = follower
  expect(lines.slice(1)).toEqual(['near the end', 'last'])
})

test('of a line without end and of an endless log the end is kept, and characters are not torn', async () => {
  const logPath = path.join(await makeTempDir(), 'console-vm0.log')
  await writeFile(logPath, `lost\n${'é'.repeat(3 * 1024 ** 2)}\nlast\n`)
  const { lines, follower } = await follow(logPath)
  await using _closed = follower
  expect(lines).toEqual(['é'.repeat(300), 'last'])
})

test('nothing is told after the end, and the directory may go', async () => {
  const dir = await makeTempDir()
  const logPath = path.join(dir, 'console-vm0.log')
  await writeFile(logPath, 'one\n')
  const { lines, follower } = await follow(logPath)
  await follower[Symbol.asyncDispose]()
  await appendFile(logPath, 'two\n')
  await follower.refresh()
  await rm(dir, { recursive: true })
  expect(lines).toEqual(['one'])
})

test('a log that cannot be read, or whose directory is missing, is as none', async () => {
  const dir = await makeTempDir()
  await mkdir(path.join(dir, 'console-vm0.log'))
  const cases: [string, unknown[]][] = [
    [path.join(dir, 'console-vm0.log'), [expect.stringMatching(/^the console's log cannot be read: /)]],
    [path.join(dir, 'missing', 'console-vm0.log'), []],
  ]
  for (const [logPath, said] of cases) {
    const { task, messages } = recordedTask()
    const lines: string[] = []
    const follower = await followConsoleLines(task, logPath, (more) => lines.push(...more))
    await follower[Symbol.asyncDispose]()
    expect([lines, messages()]).toEqual([[], said])
  }
})

describe('a line is shown without what a terminal would obey', () => {
  const cases: [string, string][] = [
    ['plain', 'plain'],
    ['ends in a carriage return\r', 'ends in a carriage return'],
    ['10%\r20%\r30%\r', '30%'],
    ['\u001b[0;32m[  OK  ]\u001b[0m Started', '[  OK  ] Started'],
    ['\u001b]0;title\u0007shown', 'shown'],
    ['\u001b]52;c;ZXZpbA==\u001b\\shown', 'shown'],
    ['\u001bPq#0\u001b\\shown', 'shown'],
    ['\u001bcreset', 'reset'],
    ['\u001b[2J\u001b[Hhome', 'home'],
    ['\u001b[31', ''],
    ['\u009b31mred', 'red'],
    ['bell\u0007 back\u0008 del\u007f nul\u0000', 'bell back del nul'],
    ['right\u202eleft\u2066x', 'rightleftx'],
    ['tab\there', 'tab here'],
    ['Übung 漢字', 'Übung 漢字'],
  ]
  test.each(cases)('%j', (raw, shown) => {
    expect(plainLine(raw)).toBe(shown)
  })

  test('and cut to 300 characters', () => {
    expect(plainLine('x'.repeat(5000))).toHaveLength(300)
  })
})
