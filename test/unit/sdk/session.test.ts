import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import type { LagoEvent } from '../../../src/base/events.js'
import { flagsOf } from '../../../src/sdk/flags.js'
import { openSession } from '../../../src/sdk/session.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

test('options win over the environment, which wins over defaults', async () => {
  const dir = await makeTempDir()
  await using session = openSession({
    cwd: dir,
    env: { HOME: dir, LAGO_SSH_USER: 'from-env', LAGO_SSH_TRIES: '7', LAGO__INIT__TEMPLATE_STORE: '/from/env' },
    settings: { sshUser: 'from-options', stp: true, leaseDir: 'leases' },
    templateStore: 'store',
    prefixName: 'mine',
  })
  expect(session.config).toMatchObject({
    ssh: { user: 'from-options', tries: 7, timeoutMs: 10_000 },
    net: { stp: true },
    store: { dir: path.join(dir, 'store') },
    leaseDir: path.join(dir, 'leases'),
    place: { prefixName: 'mine' },
  })
})

test('a setting that is not allowed is refused by its name', async () => {
  const env = { HOME: await makeTempDir() }
  expect(() => openSession({ env, settings: { sshTries: 0 } })).toThrow(/--ssh-tries: expected .* at least 1/)
})

test('what is not given is no setting; ms become whole seconds', () => {
  const flags = flagsOf({ sshTimeoutMs: 1400, sshUser: undefined, stp: false })
  expect(flags.get('lago')).toEqual(
    new Map([
      ['ssh_timeout', '1'],
      ['stp', 'false'],
    ]),
  )
  expect(flagsOf({ sshTimeoutMs: 20 }).get('lago')?.get('ssh_timeout')).toBe('1')
})

test('events and log file get everything but secrets', async () => {
  const dir = await makeTempDir()
  const events: LagoEvent[] = []
  const session = openSession({
    cwd: dir,
    env: { HOME: dir },
    settings: { sshPassword: 'open sesame' },
    logFile: 'own.log',
    events: (event) => events.push(event),
  })
  await session.task.step('Knock', async (task) => task.log('debug', 'said open sesame'))
  await session[Symbol.asyncDispose]()
  expect(events.map(({ type }) => type)).toEqual(['step.start', 'log', 'step.end'])
  const log = await readFile(path.join(dir, 'own.log'), 'utf8')
  expect(log).toContain('said ***')
  expect(log + JSON.stringify(events)).not.toContain('open sesame')
})

test('a log that cannot be written is an event, not an end', async () => {
  const dir = await makeTempDir()
  const messages: string[] = []
  const events = (event: LagoEvent): void => void (event.type === 'log' && messages.push(event.message))
  const session = openSession({ cwd: dir, env: { HOME: dir }, logFile: 'no/such/dir.log', events })
  session.task.log('info', 'hello')
  await session[Symbol.asyncDispose]()
  expect(messages).toEqual(expect.arrayContaining([expect.stringMatching(/^no log is written: /), 'hello']))
})

test("the caller's abort becomes a cancellation with its reason, before or after the session was opened", async () => {
  const env = { HOME: await makeTempDir() }
  const reason = new Error('the user left')
  const abort = new AbortController()
  await using before = openSession({ env, signal: AbortSignal.abort(reason) })
  await using after = openSession({ env, signal: abort.signal })
  abort.abort(reason)
  for (const { task } of [before, after])
    expect(task.signal.reason).toMatchObject({ code: 'LAGO_CANCELLED', cause: reason })
})
