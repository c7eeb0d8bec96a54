/** The runner's side of `protocol.ts`, inside Node: it writes events, and waits where it has to. */
import { readSync, writeSync } from 'node:fs'
import type { RunnerEvent } from '../protocol.js'

/** Of what a test tells of itself. */
const LONGEST_TEXT = 65_536

const fd = Number(process.env['OVIRTLAGO_EVENTS_FD'] ?? -1)

export function send(event: RunnerEvent): void {
  if (fd >= 0) writeAll(`${JSON.stringify(event, shortened)}\n`)
}

/** Nothing of this process goes on until the other side has answered, or has gone. */
export function hold(name: string): void {
  if (fd < 0) return
  send({ event: 'hold', name })
  const byte = Buffer.alloc(1)
  while (retried(() => readSync(fd, byte)) === 1 && byte[0] !== NEWLINE);
}

const NEWLINE = 10

function shortened(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : value
}

function writeAll(text: string): void {
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    const written = retried(() => writeSync(fd, rest))
    if (written === 0) return
    rest = rest.subarray(written)
  }
}

/** 0 when nobody is there any more. */
function retried(call: () => number): number {
  for (;;)
    try {
      return call()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') Atomics.wait(pauseCell, 0, 0, 5)
      else return 0
    }
}

const pauseCell = new Int32Array(new SharedArrayBuffer(4))
