import { once } from 'node:events'
import { EventEmitter } from 'node:events'
import { expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { pause } from '../../../src/base/wait.js'
import type { Guest, GuestResult } from '../../../src/guest/guest.js'
import { createGuestLine } from '../../../src/sdk/guest-line.js'
import { recordedTask } from '../../helpers/recorded-task.js'

const { task } = recordedTask()
const unreachable = (): LagoError => new LagoError('LAGO_GUEST_UNREACHABLE', 'vm0 did not accept ssh')

/** A guest that notes what is done to its connection; `fails` makes its commands throw. */
class FakeGuest extends EventEmitter implements Guest {
  readonly vm = 'vm0'
  readonly done: string[] = []
  fails: Error | undefined

  async run(): Promise<GuestResult> {
    this.done.push('run')
    if (this.fails !== undefined) throw this.fails
    return { exitCode: 0, stdout: '', stderr: '' }
  }
  start(): never {
    throw new Error('not used here')
  }
  async disconnect(): Promise<void> {
    this.done.push('disconnect')
    this.emit('disconnect')
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.done.push('dispose')
  }
}

function lineTo(guests: FakeGuest[], idleMs?: number): ReturnType<typeof createGuestLine> {
  return createGuestLine(
    'vm0',
    async () => {
      const guest = guests.shift()
      if (guest === undefined) throw unreachable()
      return guest
    },
    idleMs,
  )
}

const run = async (line: ReturnType<typeof createGuestLine>): Promise<GuestResult> =>
  line.use(task, async (guest, task) => guest.run(task, 'true'))

test('commands share one connection, also those that are begun together', async () => {
  const [guest, other] = [new FakeGuest(), new FakeGuest()]
  const line = lineTo([guest, other])
  await Promise.all([run(line), run(line)])
  await run(line)
  await line.drop()
  expect(guest.done).toEqual(['run', 'run', 'run', 'dispose'])
  expect(other.done).toEqual([])
})

test('a connection that was not had is tried for again by the next command', async () => {
  const guests: FakeGuest[] = []
  const line = lineTo(guests)
  await expect(run(line)).rejects.toMatchObject({ code: 'LAGO_GUEST_UNREACHABLE' })
  guests.push(new FakeGuest())
  await expect(run(line)).resolves.toMatchObject({ exitCode: 0 })
  await line.drop()
})

test('a command that waits for the connecting of another ends with its own limit', async () => {
  const { task: patient, abort } = recordedTask()
  const line = createGuestLine('vm0', async (task) => {
    await pause(task, 60_000)
    return new FakeGuest()
  })
  const first = line.use(patient, async () => 'never')
  const second = task.within(1, 'the second', async (task) => line.use(task, async () => 'never'))
  await expect(second).rejects.toMatchObject({ code: 'LAGO_TIMEOUT' })
  abort(new LagoError('LAGO_CANCELLED', 'enough'))
  await expect(first).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
})

test('a guest that is lost is looked for from the beginning', async () => {
  const [lost, found] = [new FakeGuest(), new FakeGuest()]
  lost.fails = unreachable()
  const line = lineTo([lost, found])
  await expect(run(line)).rejects.toMatchObject({ code: 'LAGO_GUEST_UNREACHABLE' })
  await run(line)
  await line.drop()
  expect(lost.done).toEqual(['run', 'dispose'])
  expect(found.done).toEqual(['run', 'dispose'])
})

test('after a revert the guest is the same and its connection is not', async () => {
  const guest = new FakeGuest()
  const line = lineTo([guest])
  await line.renew()
  await run(line)
  await line.renew()
  await run(line)
  await line.drop()
  expect(guest.done).toEqual(['run', 'disconnect', 'run', 'dispose'])
})

test('a connection that nobody uses is ended, and the guest can be used again', async () => {
  const guest = new FakeGuest()
  const line = lineTo([guest], 1)
  const disconnected = once(guest, 'disconnect')
  await run(line)
  const alive = setInterval(() => undefined, 1000) // the timer itself keeps no process
  await disconnected
  clearInterval(alive)
  await run(line)
  await line.drop()
  expect(guest.done).toEqual(['run', 'disconnect', 'run', 'dispose'])
})

test('a connection that comes after it was given up is closed', async () => {
  const guest = new FakeGuest()
  let arrive = (_: Guest): void => undefined
  const line = createGuestLine('vm0', async () => new Promise((resolve) => (arrive = resolve)))
  const command = run(line)
  await line.drop()
  arrive(guest)
  await command
  expect(guest.done).toContain('dispose')
})
