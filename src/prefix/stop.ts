/** `lago stop` and `lago cleanup`: hard power-off of VMs side by side, then the nets that nobody uses any more. */
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { NetPlan, VmPlan } from '../plan/types.js'
import { unmarkInitialized } from './files.js'
import { withoutForeign } from './foreign.js'
import type { Host } from './host.js'
import { netsOf, netsUp, providerOf, selectVms, statesOf, type Prefix } from './prefix.js'
import { forgetSleep } from './sleep-files.js'
import { beforeStop } from './vm-types.js'

export interface StopOptions {
  /** The memory of VMs that sleep stays; default false: power off means that it is lost. */
  readonly keepSleeping?: boolean
}

/**
 * Stops the named VMs and the nets that no other running VM uses; without names everything.
 * Throws `LAGO_NO_SUCH_VM`, `LAGO_LIBVIRT`, `LAGO_LIBVIRT_CONNECT`, `LAGO_PARTIAL`.
 */
export async function stopPrefix(
  task: Task,
  host: Host,
  prefix: Prefix,
  names: readonly string[],
  { keepSleeping = false }: StopOptions = {},
): Promise<void> {
  const vms = selectVms(prefix.plan, names)
  await task.step('Stop prefix', async (task) => {
    const states = await statesOf(task, host, [...prefix.plan.vms.values()])
    const isUp = (vm: VmPlan): boolean => states.get(vm.spec.name) !== 'down'
    const ours = withoutForeign(task, host, vms.filter(isUp))
    await beforeStop(
      task,
      host,
      prefix,
      ours.filter((vm) => states.get(vm.spec.name) === 'running'),
    )
    await task.step('Stop vms', async (task) => destroyVms(task, host, ours))
    if (!keepSleeping) await forgetSleep(prefix, vms)
    const running = [...prefix.plan.vms.values()].filter(isUp)
    await stopUnusedNets(task, host, prefix, { stopped: vms, running, all: names.length === 0 })
  })
}

/** Stops the nets of `stopped` that no other VM of `running` uses; with `all` every net of the prefix. */
export async function stopUnusedNets(
  task: Task,
  host: Host,
  prefix: Prefix,
  {
    stopped,
    running,
    all,
  }: { readonly stopped: readonly VmPlan[]; readonly running: readonly VmPlan[]; readonly all: boolean },
): Promise<void> {
  const others = running.filter((vm) => !stopped.includes(vm))
  const unused = unusedNets(prefix, stopped, others, all)
  await task.step('Stop nets', async (task) => {
    const up = await netsUp(task, host, prefix.plan, unused)
    await destroyNets(task, host, up)
    for (const net of unused.filter((net) => !up.includes(net))) await host.nets.removeBridge(task, net, prefix.plan)
  })
}

/** Stops everything and takes the prefix's mark away; all files stay (spec 1.3). */
export async function cleanupPrefix(task: Task, host: Host, prefix: Prefix): Promise<void> {
  await task.step('Cleanup prefix', async (task) => {
    await stopPrefix(task, host, prefix, [])
    await task.step('Tag prefix as uninitialized', async () => unmarkInitialized(prefix.layout))
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
