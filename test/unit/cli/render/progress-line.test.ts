import { expect, test } from '@jest/globals'
import { createProgressLine } from '../../../../src/cli/render/progress-line.js'

const MIB = 1024 ** 2

function written(): { texts: string[]; line: ReturnType<typeof createProgressLine> } {
  const texts: string[] = []
  return { texts, line: createProgressLine((text) => texts.push(text)) }
}

const progress = (at: number, mib: number, total?: number) =>
  ({ type: 'progress', at, step: 1, done: mib * MIB, total: total && total * MIB, unit: 'bytes' }) as const

test('work that is soon over shows nothing', () => {
  const { texts, line } = written()
  for (const at of [0, 300, 900]) line.sink.emit(progress(at, at))
  line.sink.emit({ type: 'step.end', at: 950, id: 1, outcome: 'ok', durationMs: 950 })
  expect(texts).toEqual([])
})

test('after a second amount and speed are shown in place, not more often than can be read', () => {
  const { texts, line } = written()
  for (const [at, mib] of [
    [0, 0],
    [2000, 10],
    [2100, 11],
    [4000, 40],
  ] as const)
    line.sink.emit(progress(at, mib, 200))
  expect(texts).toEqual([
    '\r\x1b[K[=>                  ] 10.0 MiB of 200.0 MiB (5 %), 5.0 MiB/s, 0:00:38 left',
    '\r\x1b[K[====>               ] 40.0 MiB of 200.0 MiB (20 %), 10.0 MiB/s, 0:00:16 left',
  ])
})

test('the line makes room for other lines, and is gone with the step', async () => {
  const { texts, line } = written()
  line.sink.emit(progress(0, 0))
  line.sink.emit(progress(2000, 10))
  line.write('a message\n')
  line.sink.emit(progress(3000, 15))
  line.sink.emit({ type: 'step.end', at: 3100, id: 1, outcome: 'ok', durationMs: 3100 })
  await line.sink.close()
  expect(texts).toEqual([
    '\r\x1b[K10.0 MiB, 5.0 MiB/s',
    '\r\x1b[K',
    'a message\n',
    '\r\x1b[K15.0 MiB, 5.0 MiB/s',
    '\r\x1b[K',
  ])
})

test('of several transfers the sum is shown, and of those alone that still run', () => {
  const { texts, line } = written()
  line.sink.emit(progress(0, 0, 100))
  line.sink.emit({ ...progress(0, 0, 300), step: 2 })
  line.sink.emit({ ...progress(1000, 100, 300), step: 2 })
  line.sink.emit(progress(2000, 100, 100))
  line.sink.emit({ type: 'step.end', at: 2000, id: 1, outcome: 'ok', durationMs: 2000 })
  line.sink.emit({ ...progress(3000, 300, 300), step: 2 })
  expect(texts.map((text) => text.replace('\r\x1b[K', ''))).toEqual([
    '[=====>              ] 2 transfers: 100.0 MiB of 400.0 MiB (25 %), 100.0 MiB/s, 0:00:03 left',
    '[==========>         ] 2 transfers: 200.0 MiB of 400.0 MiB (50 %), 100.0 MiB/s, 0:00:02 left',
    '',
    '[====================] 300.0 MiB of 300.0 MiB (100 %), 100.0 MiB/s, 0:00:00 left',
  ])
})
