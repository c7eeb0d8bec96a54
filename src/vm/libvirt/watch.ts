/** libvirt's events by the names of VMs. */
import type { Task } from '../../base/task.js'
import type { DomainEvent, LibvirtConnection } from '../../libvirt/types.js'
import type { VmPlan } from '../../plan/types.js'
import type { VmEvent } from '../provider.js'

export async function watchVms(
  task: Task,
  libvirt: Pick<LibvirtConnection, 'watchDomains'>,
  vms: readonly VmPlan[],
  onEvent: (event: VmEvent) => void,
): Promise<AsyncDisposable> {
  const names = new Map(vms.map((vm) => [vm.libvirtName, vm.spec.name]))
  return libvirt.watchDomains(task, [...names.keys()], (event) => {
    const known = byVm(event, names)
    if (known !== undefined) onEvent(known)
  })
}

function byVm(event: DomainEvent, names: ReadonlyMap<string, string>): VmEvent | undefined {
  if (event.type === 'connection-lost') return event
  const { domain, ...rest } = event
  const vm = names.get(domain)
  return vm === undefined ? undefined : { ...rest, vm }
}
