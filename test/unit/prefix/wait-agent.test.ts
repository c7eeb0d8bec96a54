import { expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { helpAgent, type AgentHelp } from '../../../src/prefix/wait-agent.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { scriptedGuest } from '../../helpers/scripted-guest.js'

function helpThat(startAgent: AgentHelp['startAgent']): AgentHelp {
  return { vm: 'vm0', reachGuest: async () => scriptedGuest({}), startAgent }
}

async function saidBy(help: AgentHelp): Promise<{ said: string[]; messages: string[] }> {
  const { task, messages } = recordedTask()
  const said: string[] = []
  await helpAgent(task, help, (text) => said.push(text), 0)
  return { said, messages: messages() }
}

test('what was started is told', async () => {
  expect(await saidBy(helpThat(async () => 'qemu-ga'))).toEqual({
    said: ['its service qemu-ga was not running and has been started'],
    messages: ['vm0: started the service of its guest agent, qemu-ga'],
  })
})

test('an agent that runs needs no help', async () => {
  expect(await saidBy(helpThat(async () => undefined))).toEqual({ said: [], messages: [] })
})

test('a guest without one is told of, and is no end of the wait', async () => {
  const none = new LagoError('LAGO_SERVICE', 'Could not find guest agent service in vm0')
  expect((await saidBy(helpThat(async () => Promise.reject(none)))).said).toEqual([none.message])
})

test('it ends with the task, and starts nothing then', async () => {
  const { task, abort } = recordedTask()
  const said: string[] = []
  const help = helpThat(async () => {
    throw new Error('started')
  })
  const helping = helpAgent(task, help, (text) => said.push(text), 600_000)
  abort(new Error('the agent answers'))
  await helping
  expect(said).toEqual([])
})
