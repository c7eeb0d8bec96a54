import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../../src/base/errors.js'
import { answerOf } from '../../../../src/libvirt/answer.js'
import type { LibvirtConnection, QemuCommand } from '../../../../src/libvirt/types.js'
import { guestAgent } from '../../../../src/vm/libvirt/agent.js'
import type { GuestAgent } from '../../../../src/vm/provider.js'
import { recordedTask } from '../../../helpers/recorded-task.js'

type Answer = (command: QemuCommand) => string | Promise<string>

/** An agent that answers this text, as it came over the channel. */
function agentThat(answer: Answer): { agent: GuestAgent; asked: QemuCommand[] } {
  const asked: QemuCommand[] = []
  const libvirt: Pick<LibvirtConnection, 'agentCommand'> = {
    async agentCommand(_, name, command) {
      asked.push(command)
      return answerOf(await answer(command), command, name)
    },
  }
  return { agent: guestAgent(libvirt, { libvirtName: '12345678-vm0', spec: { name: 'vm0' } }), asked }
}

const { task } = recordedTask()
const refused = { code: 'LAGO_AGENT', message: expect.stringContaining('the guest agent of vm0 did not do guest-') }

const ends: (() => void)[] = []
/** Until the test is over: a question that stays open would hold the process. */
const silent = async (): Promise<string> => new Promise((resolve) => ends.push(() => resolve('')))
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

describe('an honest agent', () => {
  test('pings, sets the clock in nanoseconds, freezes and thaws', async () => {
    const { agent, asked } = agentThat(({ execute }) =>
      execute.startsWith('guest-fsfreeze') ? '{"return": 2}' : '{"return": {}}',
    )
    await agent.ping(task, 1000)
    await agent.setTime(task, 1_700_000_000_123)
    await agent.freeze(task)
    await agent.thaw(task)
    expect(asked).toEqual([
      { execute: 'guest-ping' },
      { execute: 'guest-set-time', arguments: { time: 1_700_000_000_123_000_000 } },
      { execute: 'guest-fsfreeze-freeze' },
      { execute: 'guest-fsfreeze-thaw' },
    ])
  })
})

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64')
const answered = (value: unknown): string => JSON.stringify({ return: value })

describe('a program in the guest', () => {
  /** Its end is told by the `tries`th look. */
  function agentRunning(end: Readonly<Record<string, unknown>>, tries = 1): ReturnType<typeof agentThat> {
    let looks = 0
    return agentThat(({ execute }) => {
      if (execute === 'guest-exec') return answered({ pid: 7 })
      return answered(++looks < tries ? { exited: false } : { exited: true, ...end })
    })
  }

  test('is started with its words as they are, and asked after until it has ended', async () => {
    const output = { exitcode: 3, 'out-data': base64('grüße\n'), 'err-data': base64('no') }
    const { agent, asked } = agentRunning(output, 3)
    const run = await agent.run(task, ['/bin/sh', '-c', 'echo "$1"', "it's"], 10_000)
    expect(run).toEqual({ exitCode: 3, stdout: 'grüße\n', stderr: 'no' })
    const look = { execute: 'guest-exec-status', arguments: { pid: 7 } }
    expect(asked).toEqual([
      {
        execute: 'guest-exec',
        arguments: { path: '/bin/sh', arg: ['-c', 'echo "$1"', "it's"], 'capture-output': true },
      },
      ...[look, look, look],
    ])
  })

  test('that a signal has ended has an exit code as in a shell', async () => {
    const { agent } = agentRunning({ signal: 15 })
    expect(await agent.run(task, ['sleep', '9'], 10_000)).toEqual({ exitCode: 143, stdout: '', stderr: '' })
  })

  test('fills no memory with its output', async () => {
    const { agent } = agentRunning({ exitcode: 0, 'out-data': base64(Buffer.alloc(3 * 1024 ** 2, 'x')) })
    expect((await agent.run(task, ['yes'], 10_000)).stdout).toHaveLength(1024 ** 2)
  })

  test('is waited for as long as it was given, and no longer', async () => {
    const { agent } = agentRunning({}, Infinity)
    const late = { code: 'LAGO_TIMEOUT', message: expect.stringMatching(/^the end of sleep in vm0 did not happen/) }
    await expect(agent.run(task, ['sleep', '9'], 1)).rejects.toMatchObject(late)
  })

  test('is not waited for by an aborted task', async () => {
    const { task, abort } = recordedTask()
    const { agent, asked } = agentRunning({}, Infinity)
    const run = agent.run(task, ['sleep', '9'], 600_000)
    abort(new Error('enough'))
    await expect(run).rejects.toThrow('enough')
    expect(asked.length).toBeLessThan(3)
  })

  test.each([
    ['no number', { pid: '7' }],
    ['nothing', {}],
    ['a list', [7]],
    ['null', null],
  ])('whose number is %s is not believed', async (_, started) => {
    const { agent } = agentThat(() => answered(started))
    await expect(agent.run(task, ['true'], 1000)).rejects.toMatchObject(refused)
  })

  test.each([
    ['that ended without saying how', {}],
    ['with an exit code that is none', { exitcode: 'none' }],
    ['with a signal that is none', { exitcode: 0, signal: -1 }],
    ['with output in another form', { exitcode: 0, 'out-data': 'not base64!' }],
    ['with output of another type', { exitcode: 0, 'err-data': [] }],
    ['that is not sure', { exited: 'yes', exitcode: 0 }],
  ])('%s is not believed', async (_, end) => {
    await expect(agentRunning(end).agent.run(task, ['true'], 1000)).rejects.toMatchObject(refused)
  })
})

describe('accounts', () => {
  test('keys are added for a user', async () => {
    const { agent, asked } = agentThat(() => '{"return": {}}')
    await agent.addAuthorizedKeys(task, 'root', ['ssh-rsa AAAA lago'])
    expect(asked).toEqual([
      { execute: 'guest-ssh-add-authorized-keys', arguments: { username: 'root', keys: ['ssh-rsa AAAA lago'] } },
    ])
  })

  test('a password goes to the guest in base64', async () => {
    const { agent, asked } = agentThat(() => '{"return": {}}')
    await agent.setPassword(task, 'root', 'pässword')
    const account = { username: 'root', password: base64('pässword'), crypted: false }
    expect(asked).toEqual([{ execute: 'guest-set-user-password', arguments: account }])
  })

  test('a password is in no log and no error, whatever the guest says of it', async () => {
    const { task, messages } = recordedTask()
    const secret = 's3cret-word'
    const { agent } = agentThat(() => JSON.stringify({ error: { desc: `${secret} (${base64(secret)}) is too short` } }))
    const error: unknown = await agent.setPassword(task, 'root', secret).catch((error: unknown) => error)
    expect(error).toMatchObject({ ...refused, message: expect.stringContaining('*** (***) is too short') })
    const seen = [inspect(error, { depth: Infinity, showHidden: true }), ...messages()].join('\n')
    expect(seen).not.toContain(secret)
    expect(seen).not.toContain(base64(secret))
  })
})

describe('commands', () => {
  test('are told with whether the agent obeys', async () => {
    const supported = [
      { name: 'guest-ping', enabled: true, 'success-response': true },
      { name: 'guest-exec', enabled: false, 'success-response': true },
    ]
    const { agent, asked } = agentThat(() => answered({ version: '7.2.0', supported_commands: supported }))
    expect([...(await agent.commands(task))]).toEqual([
      ['guest-ping', true],
      ['guest-exec', false],
    ])
    expect(asked).toEqual([{ execute: 'guest-info' }])
  })

  test.each([
    ['no list', { supported_commands: {} }],
    ['no names', { supported_commands: [{ enabled: true }] }],
    ['no verdict', { supported_commands: [{ name: 'guest-exec', enabled: 'yes' }] }],
    ['nothing', null],
  ])('with %s are not believed', async (_, info) => {
    const { agent } = agentThat(() => answered(info))
    await expect(agent.commands(task)).rejects.toMatchObject(refused)
  })

  test.each([
    'The command guest-exec has not been found',
    'Command guest-exec has been disabled',
    'The command guest-exec has been disabled for this instance',
  ])('that there are not are told apart from a silent agent: %s', async (desc) => {
    const { agent } = agentThat(() => JSON.stringify({ error: { class: 'CommandNotFound', desc } }))
    const lacking = { ...refused, hint: expect.stringContaining('/etc/sysconfig/qemu-ga') }
    await expect(agent.run(task, ['true'], 1000)).rejects.toMatchObject(lacking)
  })
})

describe('an agent that lies', () => {
  test.each([
    ['no JSON', 'pong'],
    ['nothing', ''],
    ['another type', '[]'],
    ['no result', '{"result": {}}'],
    ['a result of another type', '{"return": "yes"}'],
    ['a list', '{"return": []}'],
    ['more than was asked', '{"return": {"__proto__x": 1}}'],
    ['null', '{"return": null}'],
    ['a count that is none', '{"return": -1}'],
    ['a fraction', '{"return": 0.5}'],
    ['an error without words', '{"error": {}}'],
    ['an error that is no object', '{"error": 7}'],
  ])('with %s is found out by every question', async (_, answer) => {
    const { agent } = agentThat(() => answer)
    await expect(agent.ping(task, 1000)).rejects.toMatchObject(refused)
    await expect(agent.setTime(task, 0)).rejects.toMatchObject(refused)
    await expect(agent.freeze(task)).rejects.toMatchObject(refused)
    await expect(agent.thaw(task)).rejects.toMatchObject(refused)
    await expect(agent.commands(task)).rejects.toMatchObject(refused)
    await expect(agent.run(task, ['true'], 1000)).rejects.toMatchObject(refused)
    await expect(agent.addAuthorizedKeys(task, 'root', [])).rejects.toMatchObject(refused)
    await expect(agent.setPassword(task, 'root', '123456')).rejects.toMatchObject(refused)
  })

  test('cannot write over the terminal or fill the log with its words', async () => {
    const desc = `no\u001b]0;evil\u0007\nhint: rm -rf /${'x'.repeat(100_000)}`
    const { agent } = agentThat(() => JSON.stringify({ error: { desc } }))
    const error = (await agent.thaw(task).catch((error: unknown) => error)) as LagoError // it is checked below
    expect(error.code).toBe('LAGO_AGENT')
    expect(error.message).toMatch(/^[\x20-\x7e]{50,400}$/)
    expect(JSON.stringify(error.data).length).toBeLessThan(200)
  })
})

describe('an agent that is silent', () => {
  test('is given up in time, and asked again only when the question before has ended', async () => {
    let answer: (text: string) => void = () => undefined
    const { agent, asked } = agentThat(async () => new Promise((resolve) => (answer = resolve)))
    for (let count = 0; count < 3; count++) await expect(agent.ping(task, 5)).rejects.toMatchObject(refused)
    expect(asked).toHaveLength(1)
    const last = agent.ping(task, 10_000)
    answer('{"return": {}}')
    await last
    expect(asked).toHaveLength(1)
    const next = agent.ping(task, 10_000)
    answer('{"return": {}}')
    await next
    expect(asked).toHaveLength(2)
  })

  test('does not keep an aborted task waiting', async () => {
    const { agent } = agentThat(silent)
    const { task, abort } = recordedTask()
    const ping = agent.ping(task, 10_000)
    abort(new Error('enough'))
    await expect(ping).rejects.toThrow('enough')
    await expect(agent.ping(task, 10_000)).rejects.toThrow('enough')
  })
})

test('a freeze that fails is thawed, also when nobody waits for it any more', async () => {
  const commands = ['guest-fsfreeze-freeze', 'guest-fsfreeze-thaw']
  const failing = agentThat(({ execute }) =>
    execute.endsWith('freeze') ? '{"error": {"desc": "I/O"}}' : '{"return": 1}',
  )
  await expect(failing.agent.freeze(task)).rejects.toMatchObject(refused)
  expect(failing.asked.map(({ execute }) => execute)).toEqual(commands)

  const aborted = recordedTask()
  const slow = agentThat(({ execute }) => {
    if (execute.endsWith('thaw')) return '{"return": 1}'
    aborted.abort(new Error('enough'))
    throw new Error('enough')
  })
  await expect(slow.agent.freeze(aborted.task)).rejects.toThrow('enough')
  expect(slow.asked.map(({ execute }) => execute)).toEqual(commands)
})

test('a VM that does not exist is another matter than its agent', async () => {
  const gone = new LagoError('LAGO_LIBVIRT', 'no such domain', { data: { libvirtCode: 42 } })
  const { agent } = agentThat(() => {
    throw gone
  })
  await expect(agent.ping(task, 1000)).rejects.toBe(gone)
})
