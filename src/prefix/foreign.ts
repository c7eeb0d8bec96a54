import type { Task } from '../base/task.js'
import type { VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { providerOf } from './prefix.js'

/** Those of `vms` that are Lago's to stop. The others are named at debug level: nobody shall wait for them. */
export function withoutForeign(task: Task, host: Host, vms: readonly VmPlan[]): VmPlan[] {
  const isForeign = (vm: VmPlan): boolean => providerOf(host, vm).foreign === true
  for (const vm of vms.filter(isForeign)) task.log('debug', `${vm.spec.name} is left alone: it is a machine of others`)
  return vms.filter((vm) => !isForeign(vm))
}
