import { expect, jest, test } from '@jest/globals'
import { shareWork } from '../../../src/base/shared-work.js'
import type { Task } from '../../../src/base/task.js'
import { unlessAborted } from '../../../src/base/unless-aborted.js'
import { recordedTask } from '../../helpers/recorded-task.js'

/** Ends when it is told to, or with its task; counts how often it was begun. */
function bench(): { work: jest.Mock<(task: Task) => Promise<number>>; end: (error?: Error) => void } {
  let end: (error?: Error) => void = () => undefined
  const work = jest.fn(async (task: Task) => {
    const told = new Promise<number>((resolve, reject) => {
      end = (error) => (error === undefined ? resolve(work.mock.calls.length) : reject(error))
    })
    return unlessAborted(task.signal, told)
  })
  return { work, end: (error) => end(error) }
}

test('the work is done once for all', async () => {
  const { work, end } = bench()
  const ask = shareWork(work)
  const both = Promise.all([ask(recordedTask().task), ask(recordedTask().task)])
  end()
  expect(await both).toEqual([1, 1])
  expect(await ask(recordedTask().task)).toBe(1)
})

test('the abort of the call that began it is that of no other', async () => {
  const { work, end } = bench()
  const ask = shareWork(work)
  const first = recordedTask()
  const [lost, kept] = [ask(first.task), ask(recordedTask().task)]
  first.abort(new Error('enough'))
  await expect(lost).rejects.toThrow('enough')
  end()
  expect(await kept).toBe(1)
})

test('the abort of all who wait ends the work before they end; the next call begins anew', async () => {
  const { work, end } = bench()
  const ask = shareWork(work)
  const [first, second] = [recordedTask(), recordedTask()]
  const both = Promise.allSettled([ask(first.task), ask(second.task)])
  first.abort(new Error('enough'))
  second.abort(new Error('enough, too'))
  expect(await both).toMatchObject([{ reason: { message: 'enough' } }, { reason: { message: 'enough, too' } }])
  expect(work.mock.calls[0]?.[0].signal.aborted).toBe(true)
  const anew = ask(recordedTask().task)
  end()
  expect(await anew).toBe(2)
})

test('a call that is aborted already begins nothing', async () => {
  const { work } = bench()
  const { task, abort } = recordedTask()
  abort(new Error('enough'))
  await expect(shareWork(work)(task)).rejects.toThrow('enough')
  expect(work).not.toHaveBeenCalled()
})

test('a failure is told to all who wait, and forgotten', async () => {
  const { work, end } = bench()
  const ask = shareWork(work)
  const both = Promise.allSettled([ask(recordedTask().task), ask(recordedTask().task)])
  end(new Error('failed'))
  expect(await both).toMatchObject([{ reason: { message: 'failed' } }, { reason: { message: 'failed' } }])
  const again = ask(recordedTask().task)
  end()
  expect(await again).toBe(2)
})
