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

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('the first %s aborts; its echo does nothing more', (name) => {
  const source = new FakeProcess()
  const signal = abortOnSignals(source, () => 1000)
  expect(signal.aborted).toBe(false)
  source.emit(name)
  source.emit(name)
  expect(signal.reason).toMatchObject({ code: 'LAGO_CANCELLED', data: { signal: name } })
  expect(source.kills).toEqual([])
})

test.each([
  ['SIGINT', [[4711, 'SIGINT', 0]]], // to itself, with nobody listening any more
  ['SIGTERM', [[4711, 'SIGTERM', 0]]],
  ['SIGHUP', []],
])('a second %s some time later has its natural effect, unless it is a terminal going away', (name, kills) => {
  const source = new FakeProcess()
  let at = 1000
  abortOnSignals(source, () => at)
  source.emit(name)
  at += 600
  source.emit(name)
  expect(source.kills).toEqual(kills)
})
