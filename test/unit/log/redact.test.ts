import { expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import type { LagoEvent } from '../../../src/base/events.js'
import { createRedact, redactingSink } from '../../../src/log/redact.js'

const redact = createRedact(['s3cret', 's3cret-long', 'abc'])

const cases: [string, string][] = [
  ['nothing to hide', 'nothing to hide'],
  ['password s3cret, again s3cret', 'password ***, again ***'],
  ['s3cret-long wins', '*** wins'],
  ['abc is too short to be hidden', 'abc is too short to be hidden'],
  ['get http://user:pw@host/x and https://:pw@h', 'get http://user:***@host/x and https://:***@h'],
  ['qemu+ssh://me:a%40b@host/system', 'qemu+ssh://me:***@host/system'],
  ['http://host:8080/x@y', 'http://host:8080/x@y'],
]
test.each(cases)('%s', (text, expected) => {
  expect(redact(text)).toBe(expected)
})

test('events lose secrets in titles, messages and anywhere in their data, which becomes plain', () => {
  const seen: LagoEvent[] = []
  const sink = redactingSink(redact, { emit: (event) => seen.push(event), close: async () => undefined })
  const data: Record<string, unknown> = { argv: ['--pw', 's3cret'], size: 7n, none: null }
  data['self'] = data
  data['error'] = new LagoError('LAGO_X', 'with s3cret', { hint: 'h s3cret' })
  sink.emit({ at: 1, type: 'step.start', id: 1, parent: undefined, title: 'T s3cret' })
  sink.emit({ at: 2, type: 'log', step: 1, level: 'info', message: 'M s3cret', data })
  sink.emit({ at: 3, type: 'step.end', id: 1, outcome: 'ok', durationMs: 2 })
  expect(JSON.stringify(seen)).not.toContain('s3cret')
  expect(seen[0]).toMatchObject({ title: 'T ***' })
  expect(seen[1]).toMatchObject({
    message: 'M ***',
    data: {
      argv: ['--pw', '***'],
      size: '7',
      none: null,
      self: '[circular]',
      error: { code: 'LAGO_X', message: 'with ***' },
    },
  })
})
