import { describe, expect, test } from '@jest/globals'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { LagoEvent } from '../../../src/base/events.js'
import { createLogFile, type LogFileSink } from '../../../src/log/log-file.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const AT = new Date(2020, 0, 31, 23, 59, 59, 123).getTime()
const say = (message: string, more: Partial<Extract<LagoEvent, { type: 'log' }>> = {}): LagoEvent => ({
  at: AT,
  type: 'log',
  step: undefined,
  level: 'info',
  message,
  ...more,
})

async function logFile(): Promise<{
  sink: LogFileSink
  logPath: string
  problems: string[]
  lines: () => Promise<string[]>
}> {
  const logPath = path.join(await makeTempDir(), 'lago.log')
  const problems: string[] = []
  const sink = createLogFile((problem) => problems.push(problem))
  return { sink, logPath, problems, lines: async () => (await readFile(logPath, 'utf8')).split('\n').slice(0, -1) }
}

describe('the log file', () => {
  test('holds every event as upstream’s fields, from before it was opened on', async () => {
    const { sink, logPath, lines } = await logFile()
    sink.emit({ at: AT, type: 'step.start', id: 7, parent: undefined, title: 'Start nets' })
    sink.emit(say('run: qemu-img', { step: 7, level: 'debug' }))
    sink.open(logPath)
    sink.open('/nowhere/else.log')
    sink.emit(say('careful', { level: 'warning', data: { why: 'x' } }))
    sink.emit({ at: AT, type: 'step.end', id: 7, outcome: 'failed', durationMs: 61_000 })
    await sink.close()
    expect(await lines()).toEqual([
      '2020-01-31 23:59:59,123::task::Start nets::7::lago::DEBUG::start task Start nets',
      '2020-01-31 23:59:59,123::task::Start nets::7::lago::DEBUG::run: qemu-img',
      '2020-01-31 23:59:59,123::task::main::0::lago::WARNING::careful {"why":"x"}',
      '2020-01-31 23:59:59,123::task::Start nets::7::lago::ERROR::end task Start nets (failed in 0:01:01)',
    ])
  })

  test('is complete and in order when closed, however much was written', async () => {
    const { sink, logPath, lines } = await logFile()
    sink.open(logPath)
    for (let index = 0; index < 5000; index++) sink.emit(say(`message ${index}`))
    await sink.close()
    const texts = (await lines()).map((line) => line.split('::').at(-1))
    expect(texts).toEqual(Array.from({ length: 5000 }, (_, index) => `message ${index}`))
  })

  test('is added to', async () => {
    const { sink, logPath, lines } = await logFile()
    await writeFile(logPath, 'earlier\n')
    sink.open(logPath)
    sink.emit(say('later'))
    await sink.close()
    expect((await lines()).map((line) => line.split('::').at(-1))).toEqual(['earlier', 'later'])
  })

  test('is not made without an event, nor without a path', async () => {
    const first = await logFile()
    first.sink.open(first.logPath)
    await first.sink.close()
    expect(existsSync(first.logPath)).toBe(false)
    const second = await logFile()
    second.sink.emit(say('x'))
    await second.sink.close()
    expect(existsSync(second.logPath)).toBe(false)
  })

  test('does not come back when its directory is removed right after an event', async () => {
    const { sink, logPath, problems } = await logFile()
    const logsDir = path.join(path.dirname(logPath), 'logs')
    await mkdir(logsDir)
    sink.open(path.join(logsDir, 'lago.log'))
    sink.emit(say('destroying'))
    await rm(logsDir, { recursive: true })
    sink.emit(say('destroyed'))
    await sink.close()
    expect(existsSync(logsDir)).toBe(false)
    expect(problems).toEqual([])
  })

  test('that cannot be opened is told once and loses the log only', async () => {
    const { sink, problems } = await logFile()
    sink.open('/nonexistent/lago.log')
    sink.emit(say('a'))
    sink.emit(say('b'))
    await sink.close()
    expect(problems).toEqual([expect.stringMatching(/^no log is written: ENOENT.*\/nonexistent\/lago\.log/)])
  })

  test('that cannot be written is told once and does not hang', async () => {
    const { sink, problems } = await logFile()
    sink.open('/dev/full')
    for (let index = 0; index < 10; index++) sink.emit(say('x'))
    await sink.close()
    expect(problems).toEqual([expect.stringContaining('the log is incomplete: ENOSPC')])
  })
})
