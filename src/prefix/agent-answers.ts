/** Whether there is an agent to ask, right after something that may have closed its channel for a moment. */
import { isLagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { waitUntil, type Probe } from '../base/wait.js'
import type { GuestAgent } from '../vm/provider.js'

const EVERY_MS = 20

/**
 * Resolves with the agent's first answer. libvirt takes an agent's channel for closed until the guest has opened it
 * again, as it does after a revert in place; it says so at once, so asking again is cheap.
 * Throws `LAGO_TIMEOUT` when there is none within `limitMs`.
 */
export async function agentAnswers(task: Task, agent: GuestAgent, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs
  const probe = async (task: Task): Promise<Probe<true>> => {
    try {
      await agent.ping(task, Math.max(1, deadline - Date.now()))
      return { value: true }
    } catch (error) {
      if (!isLagoError(error, 'LAGO_AGENT')) throw error
      return { notYet: error.message }
    }
  }
  await waitUntil(task, 'an answer of the guest agent', probe, { timeoutMs: limitMs, everyMs: EVERY_MS })
}
