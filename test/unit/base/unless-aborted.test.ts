import { getEventListeners } from 'node:events'
import { expect, test } from '@jest/globals'
import { unlessAborted } from '../../../src/base/unless-aborted.js'

const never = new Promise<never>(() => undefined)

test('the work counts, its failure too, and no listener stays', async () => {
  const { signal } = new AbortController()
  expect(await unlessAborted(signal, Promise.resolve(1))).toBe(1)
  await expect(unlessAborted(signal, Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('the abort ends the wait with its reason, and no listener stays', async () => {
  const controller = new AbortController()
  const waiting = unlessAborted(controller.signal, never)
  controller.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  await expect(unlessAborted(controller.signal, Promise.resolve(1))).rejects.toThrow('enough')
})
