/** Links of running VMs made as they are written down. */
import { about } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { providerOf, statesOf, type Prefix } from './prefix.js'

/** Those of `vms` that are up; the others get their links when they start. */
export async function applyLinks(task: Task, host: Host, prefix: Prefix, vms: readonly VmPlan[]): Promise<void> {
  const able = vms.filter((vm) => providerOf(host, vm).links !== undefined)
  const states = await statesOf(task, host, able)
  const up = able.filter((vm) => !['down', 'shut off'].includes(states.get(vm.spec.name) ?? 'down'))
  await fanOut(task, up, async (vm, task) =>
    about(
      `VM ${vm.spec.name}`,
      Promise.resolve(providerOf(host, vm).links?.apply(task, vm, { uuid: prefix.plan.uuid })),
    ),
  )
}

/** For a VM that was given the memory of the machine in `keptXmlPath`, before it runs on: what is planned now holds. */
export async function holdLinks(
  task: Task,
  host: Host,
  prefix: Prefix,
  vm: VmPlan,
  keptXmlPath: string,
): Promise<void> {
  await providerOf(host, vm).links?.apply(task, vm, { uuid: prefix.plan.uuid, keptXmlPath })
}
