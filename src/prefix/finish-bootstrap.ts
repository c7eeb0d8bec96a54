/** What a machine can only be told when it runs: by its guest agent, at its first start. */
import { bootstrapByAgent } from '../bootstrap/agent.js'
import { about, LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { VmPlan } from '../plan/types.js'
import { agentAnswers } from './agent-answers.js'
import type { Host } from './host.js'
import { identityOf } from './identity.js'
import { providerOf, savePrefix, withVms, type Prefix } from './prefix.js'

/**
 * Waits for the agents of those of `vms` that have not been told yet, each for as long as its VM may take to boot. The VMs
 * run on when it fails, and the next start tries again.
 * Throws `LAGO_AGENT`, `LAGO_TIMEOUT`, or `LAGO_PARTIAL` with several.
 */
export async function finishBootstrap(task: Task, host: Host, prefix: Prefix, vms: readonly VmPlan[]): Promise<Prefix> {
  const waiting = vms.filter(({ bootstrap }) => bootstrap?.isDone === false)
  if (waiting.length === 0) return prefix
  const done: VmPlan[] = []
  try {
    await task.step('Bootstrap vms', async (task) =>
      fanOut(task, waiting, async (vm, task) =>
        task.step(`Bootstrapping ${vm.spec.name}`, async (task) => {
          await about(`VM ${vm.spec.name}`, tell(task, host, prefix, vm))
          done.push({ ...vm, bootstrap: vm.bootstrap && { ...vm.bootstrap, isDone: true } })
        }),
      ),
    )
  } finally {
    if (done.length > 0) await savePrefix(prefix, withVms(prefix.plan, done))
  }
  return { ...prefix, plan: withVms(prefix.plan, done) }
}

async function tell(task: Task, host: Host, prefix: Prefix, vm: VmPlan): Promise<void> {
  const agent = providerOf(host, vm).agent?.(vm)
  if (agent === undefined)
    throw new LagoError('LAGO_AGENT', 'its provider reaches no guest agent', {
      hint: 'choose another "bootstrap" in the init file',
      data: { vm: vm.spec.name },
    })
  await agentAnswers(task, agent, vm.spec.bootTimeoutMs)
  await bootstrapByAgent(task, agent, await identityOf({ host, ...prefix }, vm))
}
