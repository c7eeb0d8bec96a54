import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseEvent } from '../../../src/scenario/protocol.js'

test('an event is what it was written as', () => {
  for (const event of ['start', 'leave', 'hold'])
    expect(parseEvent(JSON.stringify({ event, name: 'a.b', more: 1 }))).toEqual({ event, name: 'a.b' })
  const end = { event: 'end', name: 'a.b', outcome: 'failed', durationMs: 3, message: 'm', details: 'd' }
  expect(parseEvent(JSON.stringify(end))).toEqual(end)
})

test.each([
  ['no JSON', 'hello'],
  ['no object', '3'],
  ['nothing', 'null'],
  ['no name', '{"event":"start"}'],
  ['a name that is no text', '{"event":"start","name":3}'],
  ['an event that nobody knows', '{"event":"go","name":"a"}'],
  ['an outcome that nobody knows', '{"event":"end","name":"a","outcome":"great"}'],
])('%s is no event', (_, line) => {
  expect(parseEvent(line)).toBeUndefined()
})

test('facts of a wrong kind are as if they were not there', () => {
  const line = '{"event":"end","name":"a","outcome":"passed","durationMs":"long","message":[],"details":""}'
  expect(parseEvent(line)).toEqual({
    ...{ event: 'end', name: 'a', outcome: 'passed', durationMs: 0 },
    ...{ message: undefined, details: undefined },
  })
})

test('whatever a scenario writes is taken or passed over', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => void parseEvent(line)))
})
