import { describe, expect, test } from '@jest/globals'
import { bootstrapByAgent, type AgentIdentity } from '../../../src/bootstrap/agent.js'
import { answerOf } from '../../../src/libvirt/answer.js'
import type { QemuCommand } from '../../../src/libvirt/types.js'
import { guestAgent } from '../../../src/vm/libvirt/agent.js'
import type { GuestAgent } from '../../../src/vm/provider.js'
import { identityOf } from '../../helpers/identity.js'
import { recordedTask } from '../../helpers/recorded-task.js'

const ALL = ['guest-ssh-add-authorized-keys', 'guest-set-user-password', 'guest-exec', 'guest-exec-status'] as const

interface Scripted {
  readonly agent: GuestAgent
  readonly asked: QemuCommand[]
}

/** qemu-ga as it answers through libvirt. */
function scriptedAgent(
  commands: Readonly<Record<string, boolean>> = Object.fromEntries(ALL.map((name) => [name, true])),
  answers: Readonly<Record<string, unknown>> = {},
): Scripted {
  const asked: QemuCommand[] = []
  const supported = Object.entries(commands).map(([name, enabled]) => ({ name, enabled, 'success-response': true }))
  const all: Readonly<Record<string, unknown>> = {
    'guest-info': { return: { version: '7.2.0', supported_commands: supported } },
    'guest-exec': { return: { pid: 12 } },
    'guest-exec-status': { return: { exited: true, exitcode: 0 } },
    ...answers,
  }
  const libvirt = {
    agentCommand: async (_task: unknown, domain: string, command: QemuCommand) => {
      asked.push(command)
      return answerOf(JSON.stringify(all[command.execute] ?? { return: {} }), command, domain)
    },
  }
  return { agent: guestAgent(libvirt, { libvirtName: '12345678-vm0', spec: { name: 'vm0' } }), asked }
}

const { task } = recordedTask()
const identity: AgentIdentity = identityOf({ sshUser: 'debian', rootPassword: 'word' })

test('key, password and host name go to the guest, in this order', async () => {
  const { agent, asked } = scriptedAgent()
  await bootstrapByAgent(task, agent, identity)
  const keys = [identity.sshPublicKey]
  expect(asked).toEqual([
    { execute: 'guest-info' },
    { execute: 'guest-ssh-add-authorized-keys', arguments: { username: 'root', keys } },
    { execute: 'guest-ssh-add-authorized-keys', arguments: { username: 'debian', keys } },
    {
      execute: 'guest-set-user-password',
      arguments: { username: 'root', password: Buffer.from('word').toString('base64'), crypted: false },
    },
    {
      execute: 'guest-exec',
      arguments: {
        path: '/bin/sh',
        arg: ['-c', expect.stringContaining('hostnamectl set-hostname "$1"'), 'sh', 'vm0'],
        'capture-output': true,
      },
    },
    { execute: 'guest-exec-status', arguments: { pid: 12 } },
  ])
})

test('root gets the key once, and no password that there is not', async () => {
  const { agent, asked } = scriptedAgent({ [ALL[0]]: true, [ALL[2]]: true, [ALL[3]]: true })
  await bootstrapByAgent(task, agent, identityOf())
  expect(asked.map(({ execute }) => execute)).toEqual(['guest-info', ALL[0], ALL[2], ALL[3]])
})

describe('an agent that cannot do all of it is asked for nothing', () => {
  test.each([
    ['too old', { [ALL[1]]: true, [ALL[2]]: true, [ALL[3]]: true }, `is too old for ${ALL[0]}`],
    [
      'as RHEL has it',
      { [ALL[0]]: true, [ALL[1]]: true, [ALL[2]]: false, [ALL[3]]: false },
      `is told not to obey ${ALL[2]}, ${ALL[3]}`,
    ],
    [
      'both',
      { [ALL[1]]: true, [ALL[2]]: false, [ALL[3]]: true },
      `is too old for ${ALL[0]}, and is told not to obey ${ALL[2]}`,
    ],
    ['of another kind', {}, `is too old for ${ALL.join(', ')}`],
  ])('%s', async (_, commands, what) => {
    const { agent, asked } = scriptedAgent(commands)
    await expect(bootstrapByAgent(task, agent, identity)).rejects.toMatchObject({
      code: 'LAGO_AGENT',
      message: `the guest agent of vm0 ${what}`,
      hint: expect.stringContaining('choose another bootstrap'),
    })
    expect(asked).toEqual([{ execute: 'guest-info' }])
  })
})

test('a user who is not there is told as the guest tells it', async () => {
  const desc = "failed to lookup user 'debian': Success"
  const { agent } = scriptedAgent(undefined, { [ALL[0]]: { error: { class: 'GenericError', desc } } })
  const failed = { code: 'LAGO_AGENT', message: expect.stringContaining(desc) }
  await expect(bootstrapByAgent(task, agent, identity)).rejects.toMatchObject(failed)
})

test('a host name that was not taken is told with what the guest says, made harmless', async () => {
  const said = Buffer.from("\u001b[2Jsh: can't create /etc/hostname: Read-only file system\n").toString('base64')
  const { agent } = scriptedAgent(undefined, {
    'guest-exec-status': { return: { exited: true, exitcode: 1, 'err-data': said } },
  })
  await expect(bootstrapByAgent(task, agent, identity)).rejects.toMatchObject({
    code: 'LAGO_AGENT',
    message: "vm0 did not take the host name vm0: exit code 1: sh: can't create /etc/hostname: Read-only file system",
    hint: expect.stringContaining('lago console'),
  })
})

test('a password that no guest could be given is refused before the agent is asked', async () => {
  const { agent, asked } = scriptedAgent()
  const lines = { ...identity, rootPassword: 'one\ndebian:two' }
  await expect(bootstrapByAgent(task, agent, lines)).rejects.toMatchObject({ code: 'LAGO_PASSWORD' })
  expect(asked).toEqual([])
})
