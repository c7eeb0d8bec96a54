import type { Task } from '../../base/task.js'
import type { Env } from '../../index.js'
import { vmsOfType } from './roles.js'

/** Until ssh answers on all VMs but oVirt's own nodes, which have none, and those whose address is not known. */
export async function waitForGuests(task: Task, env: Env): Promise<void> {
  const nodes = vmsOfType(env, 'ovirt-node')
  const vms = [...env.vms.values()].filter((vm) => vm.ip !== undefined && !nodes.includes(vm))
  await task.step('Wait for ssh', async () => env.wait('ssh', { vms: vms.map(({ name }) => name) }))
}
