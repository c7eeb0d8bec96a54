import { expect, test } from '@jest/globals'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { LagoEvent } from '../../../../src/base/events.js'
import { openJsonLines } from '../../../../src/cli/render/json-lines.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test('writes one JSON object a line, over what was there', async () => {
  const dir = await makeTempDir()
  await writeFile(path.join(dir, 'events'), 'old\n')
  const events: LagoEvent[] = [
    { at: 1, type: 'step.start', id: 1, parent: undefined, title: 'two\nlines' },
    { at: 2, type: 'progress', step: 1, done: 3, total: 4, unit: 'bytes' },
    { at: 3, type: 'step.end', id: 1, outcome: 'ok', durationMs: 2 },
  ]
  const sink = openJsonLines(dir, 'events')
  for (const event of events) sink.emit(event)
  await sink.close()
  const lines = (await readFile(path.join(dir, 'events'), 'utf8')).split('\n')
  expect(lines.pop()).toBe('')
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual(events)
})

test('a file that cannot be written is a usage error', async () => {
  const dir = await makeTempDir()
  expect(() => openJsonLines(dir, 'no/such/dir')).toThrow(expect.objectContaining({ code: 'LAGO_USAGE' }))
})

test('a full disk does not end the run', async () => {
  const sink = openJsonLines('/', '/dev/full')
  sink.emit({ at: 1, type: 'step.end', id: 1, outcome: 'ok', durationMs: 2 })
  await sink.close()
})

test('what a terminal would obey is escaped, for those who look at the file', async () => {
  const dir = await makeTempDir()
  const event: LagoEvent = { at: 1, type: 'step.start', id: 1, parent: undefined, title: '\x1b[2J\x9b31m\x7f' }
  const sink = openJsonLines(dir, 'events')
  sink.emit(event)
  await sink.close()
  const text = await readFile(path.join(dir, 'events'), 'utf8')
  expect(JSON.parse(text)).toEqual(event)
  expect(text).toMatch(/^[\x20-\x7e]*\n$/)
})
