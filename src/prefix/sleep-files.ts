/** The files of VMs that sleep: their memory, and what machine they were. */
import { access, rm } from 'node:fs/promises'
import { LagoError } from '../base/errors.js'
import type { VmPlan } from '../plan/types.js'
import type { Prefix } from './prefix.js'

/** True for a VM whose memory waits in a file. */
export async function isAsleep({ layout }: Prefix, vm: VmPlan): Promise<boolean> {
  return access(layout.suspended(vm.spec.name).memory).then(
    () => true,
    () => false,
  )
}

export async function sleepersAmong(prefix: Prefix, vms: readonly VmPlan[]): Promise<readonly VmPlan[]> {
  const flags = await Promise.all(vms.map(async (vm) => isAsleep(prefix, vm)))
  return vms.filter((_, index) => flags[index])
}

/** The memory is thrown away. */
export async function forgetSleep({ layout }: Prefix, vms: readonly VmPlan[]): Promise<void> {
  for (const vm of vms) {
    const { memory, xml } = layout.suspended(vm.spec.name)
    await rm(memory, { force: true })
    await rm(xml, { force: true })
  }
}

/** Throws `LAGO_VM_SUSPENDED`: the disks of a VM that sleeps are not worth much without its memory. */
export async function refuseSleeping(prefix: Prefix, vms: readonly VmPlan[]): Promise<void> {
  const names = (await sleepersAmong(prefix, vms)).map((vm) => vm.spec.name)
  if (names.length === 0) return
  throw new LagoError('LAGO_VM_SUSPENDED', `suspended: ${names.join(', ')}`, {
    hint: 'wake them with "lago start", or throw their memory away with "lago stop"',
    data: { vms: names },
  })
}
