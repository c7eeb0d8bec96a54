import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import type { LagoEvent } from '../../../src/base/events.js'
import { keepPasswords } from '../../../src/config/secrets.js'
import { runScript } from '../../../src/guest/script.js'
import { createTask } from '../../../src/base/task.js'
import { createLogFile } from '../../../src/log/log-file.js'
import { createRedact, redactingSink } from '../../../src/log/redact.js'
import { scriptedGuest } from '../../helpers/scripted-guest.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

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

test('passwords of VMs are hidden from when they are read; those that everybody knows are not', () => {
  const early = createRedact([])
  const text = 'root tester 123456 vm-root-pw vm-ssh-pw'
  expect(early(text)).toBe(text)
  keepPasswords([
    { sshUser: 'tester', sshPassword: 'tester', rootPassword: 'vm-root-pw' },
    { sshPassword: 'vm-ssh-pw', rootPassword: 'root' },
    { sshPassword: '123456' },
  ])
  expect(early(text)).toBe('root tester 123456 *** ***')
})

test('a password that a deploy script prints is not in the log file', async () => {
  const logPath = path.join(await makeTempDir(), 'lago.log')
  const file = createLogFile(() => undefined)
  file.open(logPath)
  const sink = redactingSink(createRedact([]), file)
  const task = createTask(sink)
  keepPasswords([{ rootPassword: 'deployed-pw' }])
  const printing = scriptedGuest({})
  const guest: typeof printing = {
    ...printing,
    async run(_task, _command, options) {
      options?.onOutput?.('login with depl', 'stdout')
      options?.onOutput?.('oyed-pw\n', 'stdout')
      return { exitCode: 0, stdout: '', stderr: '' }
    },
  }
  await runScript(task, guest, Buffer.from(''), (line) => task.log('debug', line))
  await sink.close()
  expect(await readFile(logPath, 'utf8')).toMatch(/::DEBUG::login with \*\*\*\n$/)
})
