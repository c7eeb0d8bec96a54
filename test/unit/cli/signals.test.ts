import { expect, test } from '@jest/globals'
import { EventEmitter } from 'node:events'
import { abortOnSignals } from '../../../src/cli/signals.js'

class FakeProcess extends EventEmitter {
  readonly pid = 4711
  readonly kills: [number, string, number][] = []
  kill(pid: number, signal: string): void {
    this.kills.push([pid, signal, this.listenerCount(signal)])
  }
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('the first %s aborts, the second has its natural effect', (name) => {
  const source = new FakeProcess()
  const signal = abortOnSignals(source)
  expect(signal.aborted).toBe(false)
  source.emit(name)
  expect(signal.reason).toMatchObject({ code: 'LAGO_CANCELLED', data: { signal: name } })
  expect(source.kills).toEqual([])
  source.emit(name)
  expect(source.kills).toEqual([[4711, name, 0]]) // to itself, with nobody listening any more
})
