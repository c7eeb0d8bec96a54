import { describe, expect, test } from '@jest/globals'
import type { LagoEvent, Level } from '../../../../src/base/events.js'
import { createTerminal } from '../../../../src/cli/render/terminal.js'

type Body = LagoEvent extends infer Event ? (Event extends LagoEvent ? Omit<Event, 'at'> : never) : never

const start = (id: number, title: string, parent?: number): Body => ({ type: 'step.start', id, parent, title })
const end = (id: number, outcome: 'ok' | 'failed' | 'cancelled' = 'ok', durationMs = 1000): Body => ({
  type: 'step.end',
  id,
  outcome,
  durationMs,
})
const log = (step: number | undefined, level: Level, message: string): Body => ({ type: 'log', step, level, message })
const progress = (at: number, step: number, done: number, total?: number): LagoEvent => ({
  at,
  type: 'progress',
  step,
  done,
  total,
  unit: 'bytes',
})

interface Options {
  readonly level?: Level
  readonly depth?: number
  readonly color?: boolean
}

/** What the terminal shows of the events, line by line. */
function shown(
  events: readonly (Body | LagoEvent)[],
  { level = 'info', depth = 3, color = false }: Options = {},
): string[] {
  let text = ''
  const sink = createTerminal({ write: (part) => (text += part), level, depth, color })
  for (const event of events) sink.emit({ at: 0, ...event })
  return text.split('\n').slice(0, -1)
}

const START_PREFIX: readonly Body[] = [
  start(1, 'Start Prefix'),
  start(2, 'Start nets', 1),
  start(3, 'Create network lago', 2),
  end(3),
  end(2),
  start(4, 'Start vms', 1),
  start(5, 'Starting VM engine', 4),
  end(5, 'ok', 2000),
  end(4, 'ok', 2000),
  end(1, 'ok', 3999),
]

describe('the task tree', () => {
  test('looks as in the specification', () => {
    expect(shown(START_PREFIX)).toEqual([
      '@ Start Prefix: ',
      '  # Start nets: ',
      '    * Create network lago: ',
      '    * Create network lago: Success (in 0:00:01)',
      '  # Start nets: Success (in 0:00:01)',
      '  # Start vms: ',
      '    * Starting VM engine: ',
      '    * Starting VM engine: Success (in 0:00:02)',
      '  # Start vms: Success (in 0:00:02)',
      '@ Start Prefix: Success (in 0:00:03)',
    ])
  })

  test('is cut at logdepth', () => {
    expect(shown(START_PREFIX, { depth: 1 })).toEqual(['@ Start Prefix: ', '@ Start Prefix: Success (in 0:00:03)'])
    expect(shown(START_PREFIX, { depth: 0 })).toEqual([])
  })

  test('is shown whole with logdepth -1, its indicators going round', () => {
    const deep = [1, 2, 3, 4, 5, 6].map((id) => start(id, `s${id}`, id === 1 ? undefined : id - 1))
    expect(shown(deep, { depth: -1 })).toEqual([
      '@ s1: ',
      '  # s2: ',
      '    * s3: ',
      '      - s4: ',
      '        ~ s5: ',
      '          @ s6: ',
    ])
  })

  test('is not shown at loglevel warning', () => {
    expect(shown(START_PREFIX, { level: 'warning' })).toEqual([])
  })

  test('says when a step was cancelled, without unfolding it', () => {
    expect(shown([start(1, 'Start Prefix'), log(1, 'debug', 'hidden'), end(1, 'cancelled', 3_723_000)])).toEqual([
      '@ Start Prefix: ',
      '@ Start Prefix: Cancelled (in 1:02:03)',
    ])
  })

  test('has colours when they are asked for', () => {
    const events = [
      start(1, 'a'),
      log(1, 'warning', 'w'),
      log(1, 'debug', 'd'),
      end(1),
      start(2, 'b'),
      end(2, 'failed'),
    ]
    expect(shown(events, { color: true, level: 'debug' })).toEqual([
      '\x1b[36m@ a: \x1b[0m',
      '\x1b[33m  # w\x1b[0m',
      '  # d',
      '\x1b[36m@ a: \x1b[0m\x1b[32mSuccess\x1b[0m (in 0:00:01)',
      '\x1b[36m@ b: \x1b[0m',
      '\x1b[36m@ b: \x1b[0m\x1b[31mERROR\x1b[0m (in 0:00:01)',
    ])
  })
})

describe('messages', () => {
  test('and titles steer no terminal, shown or unfolded, and keep our colours and their lines', () => {
    const evil = '\x1b]0;evil\x07a\x1b[2J\x9b1mb\u202e'
    const events = [start(1, evil), log(1, 'debug', `${evil}\ntwo`), log(1, 'warning', evil), end(1, 'failed')]
    expect(shown(events, { color: true })).toEqual([
      '\x1b[36m@ ab: \x1b[0m',
      '\x1b[33m  # ab\x1b[0m',
      '  # ab',
      '    two',
      '\x1b[36m@ ab: \x1b[0m\x1b[31mERROR\x1b[0m (in 0:00:01)',
    ])
  })

  test('stand one level below their step, and those without a step at the margin', () => {
    const events = [log(undefined, 'info', 'hello'), start(1, 'a'), start(2, 'b', 1), log(2, 'info', 'one\ntwo')]
    expect(shown(events)).toEqual(['@ hello', '@ a: ', '  # b: ', '    * one', '      two'])
  })

  const levels: [Level, string[]][] = [
    ['debug', ['@ d', '@ i', '@ w', '@ e']],
    ['info', ['@ i', '@ w', '@ e']],
    ['warning', ['@ w', '@ e']],
    ['error', ['@ e']],
  ]
  test.each(levels)('loglevel %s is honoured', (level, expected) => {
    const events = [
      log(undefined, 'debug', 'd'),
      log(undefined, 'info', 'i'),
      log(undefined, 'warning', 'w'),
      log(undefined, 'error', 'e'),
    ]
    expect(shown(events, { level })).toEqual(expected)
  })

  test('of hidden steps are hidden, but warnings and errors are shown at any depth', () => {
    const events = [start(1, 'a'), start(2, 'b', 1), log(2, 'info', 'i'), log(2, 'warning', 'w')]
    expect(shown(events, { depth: 1 })).toEqual(['@ a: ', '    * w'])
  })
})

describe('a failed step', () => {
  test('unfolds what it had hidden, and is not unfolded again by its parents', () => {
    const events = [
      start(1, 'Start Prefix'),
      log(1, 'debug', 'before'),
      start(2, 'Start vms', 1),
      log(2, 'debug', 'run: qemu-img'),
      end(2, 'failed'),
      end(1, 'failed'),
    ]
    expect(shown(events)).toEqual([
      '@ Start Prefix: ',
      '  # Start vms: ',
      '    * run: qemu-img',
      '  # Start vms: ERROR (in 0:00:01)',
      '@ Start Prefix: ERROR (in 0:00:01)',
    ])
  })

  test('below logdepth comes with the headers of its hidden parents and with finished steps below it', () => {
    const events = [
      start(1, 'a'),
      start(2, 'b', 1),
      start(3, 'c', 2),
      start(4, 'fine', 3),
      log(4, 'info', 'detail'),
      end(4),
      log(3, 'debug', 'cause'),
      end(3, 'failed'),
      end(2, 'failed'),
      end(1, 'failed'),
    ]
    expect(shown(events, { depth: 1 })).toEqual([
      '@ a: ',
      '  # b: ',
      '    * c: ',
      '      - fine: ',
      '        ~ detail',
      '      - fine: Success (in 0:00:01)',
      '      - cause',
      '    * c: ERROR (in 0:00:01)',
      '  # b: ERROR (in 0:00:01)',
      '@ a: ERROR (in 0:00:01)',
    ])
    expect(shown(events, { level: 'error' })).toEqual(shown(events, { depth: 1 }))
  })

  test('shows the last 2000 hidden lines at most', () => {
    const many = Array.from({ length: 2500 }, (_, index) => log(1, 'debug', `m${index}`))
    const lines = shown([start(1, 'a'), ...many, end(1, 'failed')])
    expect(lines).toHaveLength(2002)
    expect(lines.slice(0, 2)).toEqual(['@ a: ', '  # m500'])
  })
})

describe('steps side by side', () => {
  test('mark what stands below them with their titles, and are told apart by id', () => {
    const events = [
      start(1, 'Start vms'),
      start(2, 'Starting VM vm0', 1),
      start(3, 'Starting VM vm1', 1),
      log(2, 'info', 'waiting'),
      start(4, 'Wait for ssh', 3),
      start(5, 'Wait for ssh', 2),
      end(4),
      end(3),
      end(5),
      end(2),
      log(1, 'info', 'all up'),
      end(1),
    ]
    expect(shown(events)).toEqual([
      '@ Start vms: ',
      '  # Starting VM vm0: ',
      '  # Starting VM vm1: ',
      '    * [Starting VM vm0] waiting',
      '    * [Starting VM vm1] Wait for ssh: ',
      '    * [Starting VM vm0] Wait for ssh: ',
      '    * [Starting VM vm1] Wait for ssh: Success (in 0:00:01)',
      '  # Starting VM vm1: Success (in 0:00:01)',
      '    * [Starting VM vm0] Wait for ssh: Success (in 0:00:01)',
      '  # Starting VM vm0: Success (in 0:00:01)',
      '  # all up',
      '@ Start vms: Success (in 0:00:01)',
    ])
  })

  test('unfold only their own lines when one fails', () => {
    const events = [
      start(1, 'Start vms'),
      start(2, 'vm0', 1),
      start(3, 'vm1', 1),
      log(2, 'debug', 'of vm0'),
      log(3, 'debug', 'of vm1'),
      end(3, 'failed'),
      end(2),
      end(1, 'failed'),
    ]
    expect(shown(events)).toEqual([
      '@ Start vms: ',
      '  # vm0: ',
      '  # vm1: ',
      '    * [vm1] of vm1',
      '  # vm1: ERROR (in 0:00:01)',
      '  # vm0: Success (in 0:00:01)',
      '@ Start vms: ERROR (in 0:00:01)',
    ])
  })
})

test('progress is shown every ten seconds at most, and at any depth', () => {
  const mib = 1024 ** 2
  const events = [
    start(1, 'Download el7'),
    progress(1000, 1, 0, 300 * mib),
    progress(2000, 1, 10 * mib, 300 * mib),
    progress(11_000, 1, 120 * mib, 300 * mib),
    progress(12_000, 1, 130 * mib, 300 * mib),
    progress(21_000, 1, 150.5 * mib),
  ]
  expect(shown(events, { depth: 0 })).toEqual([
    '  # Download el7: 120.0 MiB of 300.0 MiB (40 %), 12.0 MiB/s, 0:00:15 left',
    '  # Download el7: 150.5 MiB, 7.5 MiB/s',
  ])
  expect(shown(events, { level: 'error' })).toEqual([])
})
