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
