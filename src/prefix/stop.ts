/** `lago stop` and `lago cleanup`: hard power-off of VMs side by side, then the nets that nobody uses any more. */
import { rm } from 'node:fs/promises'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { NetPlan, VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { netsOf, netsUp, providerOf, selectVms, statesOf, type Prefix } from './prefix.js'

/**
 * Stops the named VMs and the nets that no other running VM uses; without names everything.
 * Throws `LAGO_NO_SUCH_VM`, `LAGO_LIBVIRT`, `LAGO_LIBVIRT_CONNECT`, `LAGO_PARTIAL`.
 */
export async function stopPrefix(task: Task, host: Host, prefix: Prefix, names: readonly string[]): Promise<void> {
  const vms = selectVms(prefix.plan, names)
  await task.step('Stop prefix', async (task) => {
    const states = await statesOf(task, host, [...prefix.plan.vms.values()])
    const isUp = (vm: VmPlan): boolean => states.get(vm.spec.name) !== 'down'
    await task.step('Stop vms', async (task) => destroyVms(task, host, vms.filter(isUp)))
    const others = [...prefix.plan.vms.values()].filter((vm) => !vms.includes(vm) && isUp(vm))
    const unused = unusedNets(prefix, vms, others, names.length === 0)
    await task.step('Stop nets', async (task) => {
      await destroyNets(task, host, await netsUp(task, host, prefix.plan, unused))
    })
  })
}

/** Stops everything and takes the prefix's mark away; all files stay (spec 1.3). */
export async function cleanupPrefix(task: Task, host: Host, prefix: Prefix): Promise<void> {
  await task.step('Cleanup prefix', async (task) => {
    await stopPrefix(task, host, prefix, [])
    await task.step('Tag prefix as uninitialized', async () => rm(prefix.layout.initialized, { force: true }))
  })
}

export async function destroyVms(task: Task, host: Host, vms: readonly VmPlan[]): Promise<void> {
  await fanOut(task, vms, async (vm, task) =>
    task.step(`Destroying VM ${vm.spec.name}`, async (task) => providerOf(host, vm).stop(task, vm)),
  )
}

export async function destroyNets(task: Task, host: Host, nets: readonly NetPlan[]): Promise<void> {
  await fanOut(task, nets, async (net, task) =>
    task.step(`Destroy network ${net.spec.name}`, async (task) => host.nets.stop(task, net.libvirtName)),
  )
}

function unusedNets(prefix: Prefix, stopped: readonly VmPlan[], running: readonly VmPlan[], all: boolean): NetPlan[] {
  if (all) return [...prefix.plan.nets.values()]
  const used = new Set(netsOf(prefix.plan, running))
  return netsOf(prefix.plan, stopped).filter((net) => !used.has(net))
}
