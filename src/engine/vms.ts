/** VMs that an engine runs on its hosts: machines inside of ours. */
import type { Task } from '../base/task.js'
import { bringAll } from './bring-to.js'
import type { Engine, EngineVm } from './types.js'

/** The VM in which a hosted engine itself runs. */
const HOSTED_ENGINE = 'HostedEngine'

const KIND = 'VM of the engine'

/** Without the engine's own. */
export function ordinaryVms(vms: readonly EngineVm[]): EngineVm[] {
  return vms.filter(({ name }) => name !== HOSTED_ENGINE)
}

/** Those that are up already are left alone. `timeoutMs` is for each. Throws `LAGO_TIMEOUT` with the last state. */
export async function startVms(task: Task, engine: Engine, vms: readonly EngineVm[], timeoutMs: number): Promise<void> {
  await bringAll(task, engine, vms, { kind: KIND, to: 'up', from: ['down'], action: 'start', timeoutMs })
}

/** Power-off. Throws as `startVms`. */
export async function stopVms(task: Task, engine: Engine, vms: readonly EngineVm[], timeoutMs: number): Promise<void> {
  const from = ['up', 'powering_up', 'wait_for_launch', 'paused', 'reboot_in_progress', 'not_responding', 'suspended']
  await bringAll(task, engine, vms, { kind: KIND, to: 'down', from, action: 'stop', timeoutMs })
}
