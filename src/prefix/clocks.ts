/** The clocks of guests that were away: they show the time at which the guest was saved. */
import { messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { isCancelled, type Task } from '../base/task.js'
import { openSshGuest } from '../guest/ssh-guest.js'
import type { VmPlan } from '../plan/types.js'
import { agentAnswers } from './agent-answers.js'
import type { Host } from './host.js'
import { sshTargetOf } from './guests.js'
import { providerOf, type Prefix } from './prefix.js'

/** A guest that does not take the time within this is left with a warning. */
const LIMIT_MS = 10_000
/**
 * An agent that was there when the guest was saved is back sooner than this; one in a machine that was made anew is not,
 * and ssh is there meanwhile.
 */
const AGENT_LIMIT_MS = 200

/** By the agent, else by ssh. Never fails because of a guest: one with a wrong clock is better than none. */
export async function setClocks(task: Task, host: Host, prefix: Prefix, vms: readonly VmPlan[]): Promise<void> {
  await fanOut(task, vms, async (vm, task) => {
    await task
      .within(LIMIT_MS, `setting the clock of ${vm.spec.name}`, async (task) => setClock(task, host, prefix, vm))
      .catch((error: unknown) => {
        if (isCancelled(error)) throw error
        task.log('warning', `the clock of ${vm.spec.name} is behind: ${messageOf(error)}`)
      })
  })
}

async function setClock(task: Task, host: Host, prefix: Prefix, vm: VmPlan): Promise<void> {
  const agent = providerOf(host, vm).agent?.(vm)
  if (agent !== undefined) {
    try {
      await agentAnswers(task, agent, AGENT_LIMIT_MS)
      return await agent.setTime(task, Date.now())
    } catch (error) {
      task.signal.throwIfAborted()
      task.log('debug', `setting the clock of ${vm.spec.name} by ssh: ${messageOf(error)}`)
    }
  }
  await using guest = openSshGuest(sshTargetOf(host, prefix, vm))
  const { exitCode, stderr } = await guest.run(task, ['date', '-u', '-s', `@${Math.round(Date.now() / 1000)}`])
  if (exitCode !== 0) task.log('warning', `the clock of ${vm.spec.name} is behind: ${stderr.trim()}`)
}
