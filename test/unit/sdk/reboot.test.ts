import { afterEach, expect, jest, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import type { Guest } from '../../../src/guest/guest.js'
import { createGuestLine, type GuestLine } from '../../../src/sdk/guest-line.js'
import { reboot } from '../../../src/sdk/reboot.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { scriptedGuest } from '../../helpers/scripted-guest.js'

afterEach(() => void jest.restoreAllMocks())

const dying = new LagoError('LAGO_GUEST_UNREACHABLE', 'it has hung up')

/** To a guest whose connections, one after the other, tell these boots; an error is what its command ends with. */
function lineTo(vm: string, boots: readonly (string | LagoError)[]): GuestLine {
  const left = [...boots]
  const run: Guest['run'] = async () => {
    const boot = left.length > 1 ? left.shift() : left[0]
    if (boot instanceof LagoError) throw boot
    return boot === undefined
      ? { exitCode: 1, stdout: '', stderr: '' }
      : { exitCode: 0, stdout: `${boot}\n`, stderr: '' }
  }
  return createGuestLine(vm, async () => ({ ...scriptedGuest({}), vm, run }))
}

test('a guest has rebooted when its boot is another one: not while it still answers, nor while it is gone', async () => {
  const asked: string[] = []
  const lines = [lineTo('vm0', ['one', 'one', dying, 'two']), lineTo('vm1', ['three', 'four'])]
  const ask = async (): Promise<void> => void asked.push('reboot')
  await reboot(recordedTask().task, { lines, ask, timeoutMs: 60_000 })
  expect(asked).toEqual(['reboot'])
})

test('one that does not go down is told by its name', async () => {
  const rebooting = reboot(recordedTask().task, {
    lines: [lineTo('vm0', ['one'])],
    ask: async () => {},
    timeoutMs: 600,
  })
  await expect(rebooting).rejects.toMatchObject({
    code: 'LAGO_SHUTDOWN',
    message: expect.stringMatching(/^vm0 did not reboot within 0\.6 s: .*it has not gone down/),
  })
})

test('one that does not go down is told with what was seen, however late the host is', async () => {
  const late = new Int32Array(new SharedArrayBuffer(4))
  const frozenAt = Date.now()
  const clock = jest.spyOn(Date, 'now').mockReturnValue(frozenAt)
  let tries = 0
  const run: Guest['run'] = async () => {
    tries++
    if (tries === 2) Atomics.wait(late, 0, 0, 300) // with the pause after it, longer than the limit
    if (tries === 3) clock.mockReturnValue(frozenAt + 600)
    return { exitCode: 0, stdout: 'one\n', stderr: '' }
  }
  const line = createGuestLine('vm0', async () => ({ ...scriptedGuest({}), run }))
  const rebooting = reboot(recordedTask().task, { lines: [line], ask: async () => {}, timeoutMs: 600 })
  await expect(rebooting).rejects.toMatchObject({ message: expect.stringContaining('2 x it has not gone down') })
})

test.each([
  ['does not answer', [dying], 'LAGO_GUEST_UNREACHABLE'],
  ['has no boot id', [], 'LAGO_SHUTDOWN'],
])('a guest that %s is not asked: nobody could tell when it is back', async (_, boots, code) => {
  const ask = async (): Promise<void> => {
    throw new Error('asked')
  }
  const lines = [lineTo('vm0', boots)]
  await expect(reboot(recordedTask().task, { lines, ask, timeoutMs: 60_000 })).rejects.toMatchObject({ code })
})

test('an abort ends it with its reason', async () => {
  const { task, abort } = recordedTask()
  const ask = async (): Promise<void> => abort(new LagoError('LAGO_CANCELLED', 'enough'))
  await expect(reboot(task, { lines: [lineTo('vm0', ['one'])], ask, timeoutMs: 60_000 })).rejects.toThrow('enough')
})
