import { expect, test } from '@jest/globals'
import { answerOf } from '../../../src/libvirt/answer.js'

const PING = { execute: 'guest-ping' }

test('the content of return', () => {
  expect(answerOf('{"return": {"a": [1]}, "id": "x"}', PING, 'dom')).toEqual({ a: [1] })
})

test.each([
  ['{"error": {"class": "GenericError", "desc": "not today"}}', 'not today'],
  [JSON.stringify({ error: { desc: `\x1b]0;evil\x07a\n${'x'.repeat(1000)}` } }), `a ${'x'.repeat(298)}`],
  ['{"error": "odd"}', 'no JSON that has a result'],
  ['not json', 'no JSON that has a result'],
  ['null', 'no JSON that has a result'],
  ['"return"', 'no JSON that has a result'],
])('%s is refused', (text, said) => {
  expect(() => answerOf(text, PING, 'dom')).toThrow(
    expect.objectContaining({ code: 'LAGO_QEMU', message: `guest-ping on dom was refused: ${said}` }),
  )
})
