import { EventEmitter, once } from 'node:events'
import { Duplex, PassThrough } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { attach } from '../../../src/cli/attach.js'
import { parseEscapeKey } from '../../../src/cli/escape-key.js'
import { rawTerminal } from '../../../src/cli/raw-terminal.js'
import { recordedTask } from '../../helpers/recorded-task.js'

/** A terminal that remembers its mode. */
class FakeTerminal extends PassThrough {
  readonly isTTY = true
  isRaw = false
  setRawMode(raw: boolean): void {
    this.isRaw = raw
  }
}

interface Wire {
  /** What the guest sees. */
  readonly guest: Duplex
  readonly stream: Duplex
}

function wire(): Wire {
  const [toGuest, toHost] = [new PassThrough(), new PassThrough()]
  return {
    stream: Duplex.from({ readable: toHost, writable: toGuest }),
    guest: Duplex.from({ readable: toGuest, writable: toHost }),
  }
}

interface Attached extends Wire {
  readonly stdin: PassThrough
  readonly stdout: PassThrough
  readonly source: EventEmitter
  readonly abort: (reason: unknown) => void
  readonly outcome: Promise<string>
}

function setUp(stdin: PassThrough = new FakeTerminal()): Attached {
  const source = new EventEmitter()
  const stdout = new PassThrough()
  const { stream, guest } = wire()
  const { task, abort } = recordedTask()
  const escape = parseEscapeKey('^]')
  const outcome = attach(task, { stdin, stdout }, { stream, escape, source })
  return { stdin, stdout, stream, guest, source, abort, outcome }
}

const textOf = async (stream: NodeJS.ReadableStream): Promise<string> => String((await once(stream, 'data'))[0])

describe('attach', () => {
  test('is both ways, in raw mode, until the key', async () => {
    const { stdin, stdout, guest, outcome } = setUp()
    expect(stdin).toMatchObject({ isRaw: true })
    guest.write('login: ')
    expect(await textOf(stdout)).toBe('login: ')
    stdin.write('root\r')
    expect(await textOf(guest)).toBe('root\r')
    const last = textOf(guest)
    stdin.write('\x03x\x1dlost')
    expect(await last).toBe('\x03x')
    expect(await outcome).toBe('escaped')
    expect(stdin).toMatchObject({ isRaw: false })
  })

  test('ends with the stream', async () => {
    const { stdin, guest, outcome } = setUp()
    guest.end()
    expect(await outcome).toBe('ended')
    expect(stdin).toMatchObject({ isRaw: false })
  })

  test('fails with the stream', async () => {
    const { stdin, stream, guest, outcome } = setUp()
    guest.on('error', () => undefined) // it is told as well
    stream.destroy(new Error('cut off'))
    await expect(outcome).rejects.toThrow('cut off')
    expect(stdin).toMatchObject({ isRaw: false })
  })

  test('ends with the task, and lets go of everything', async () => {
    const { stdin, stdout, source, abort, outcome } = setUp()
    abort(new Error('SIGTERM'))
    await expect(outcome).rejects.toThrow('SIGTERM')
    expect(stdin).toMatchObject({ isRaw: false })
    expect([stdin.listenerCount('data'), stdout.listenerCount('drain'), source.listenerCount('exit')]).toEqual([
      0, 0, 0,
    ])
  })

  test('without a terminal there is no key, and the end of the input is not the end', async () => {
    const { stdin, stdout, guest, outcome } = setUp(new PassThrough())
    const got = textOf(guest)
    stdin.end('a\x1db')
    expect(await got).toBe('a\x1db')
    guest.write('still here')
    expect(await textOf(stdout)).toBe('still here')
    guest.end()
    expect(await outcome).toBe('ended')
  })
})

describe('a raw terminal', () => {
  test('is given back when the process exits in the middle', () => {
    const [stdin, source] = [new FakeTerminal(), new EventEmitter()]
    const raw = rawTerminal(stdin, source)
    source.emit('exit')
    expect(stdin.isRaw).toBe(false)
    raw[Symbol.dispose]()
  })

  test('is taken again when the process goes on after a stop, not after it was given back', () => {
    const [stdin, source] = [new FakeTerminal(), new EventEmitter()]
    const raw = rawTerminal(stdin, source)
    stdin.isRaw = false
    source.emit('SIGCONT')
    expect(stdin.isRaw).toBe(true)
    raw[Symbol.dispose]()
    source.emit('SIGCONT')
    expect(stdin.isRaw).toBe(false)
  })
})
