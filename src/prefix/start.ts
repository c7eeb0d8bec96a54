/** `lago start`: nets, then VMs in waves that the host can carry; on a failure only what this call began is undone. */
import { readFile } from 'node:fs/promises'
import { about } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { parseSubnet } from '../base/ipv4.js'
import type { Task } from '../base/task.js'
import { UndoStack } from '../base/undo.js'
import type { VmState } from '../libvirt/types.js'
import type { NetPlan, VmPlan } from '../plan/types.js'
import { requireBackingFiles } from './backing-files.js'
import { startInWaves } from './boot-waves.js'
import { setClocks } from './clocks.js'
import { finishBootstrap } from './finish-bootstrap.js'
import type { Host } from './host.js'
import { leaseOwner } from './layout.js'
import { letInFileUsers } from './let-in.js'
import { netsOf, netsUp, providerOf, selectVms, statesOf, type Prefix } from './prefix.js'
import { requireFittingHost, type FitOptions } from './require-fit.js'
import { destroyNets, destroyVms } from './stop.js'
import { forgetSleep, sleepersAmong } from './sleep-files.js'
import { wake } from './suspend.js'

/**
 * Starts the named VMs and the nets that they use; everything without names. What already runs is left alone.
 * Returns when every VM has been created, not when it has booted; those that their agent is to tell at the first start
 * who they are have been told.
 *
 * Throws `LAGO_NO_SUCH_VM`, `LAGO_NOT_READY` when they do not fit this host, `LAGO_LIBVIRT`, `LAGO_LIBVIRT_CONNECT`, `LAGO_NO_EMULATOR`, `LAGO_PERMISSION`, or
 * `LAGO_PARTIAL` with several of them.
 */
export async function startPrefix(
  task: Task,
  host: Host,
  prefix: Prefix,
  names: readonly string[],
  options: FitOptions = {},
): Promise<void> {
  const vms = selectVms(prefix.plan, names)
  await task.step(names.length > 0 ? 'Start specified VMs' : 'Start Prefix', async (task) => {
    await requireFittingHost(task, host, prefix, vms, options)
    await using undo = new UndoStack(task)
    const nets = names.length > 0 ? netsOf(prefix.plan, vms) : [...prefix.plan.nets.values()]
    await task.step('Start nets', async (task) => startNets(task, host, prefix, nets, undo))
    await task.step('Start vms', async (task) => startVms(task, host, prefix, vms, undo))
    undo.commit()
    await finishBootstrap(task, host, prefix, vms)
  })
}

/** Those of `nets` that are down; `undo` stops them again. */
export async function startNets(
  task: Task,
  host: Host,
  prefix: Prefix,
  nets: readonly NetPlan[],
  undo: UndoStack,
): Promise<void> {
  const up = await netsUp(task, host, prefix.plan, nets)
  const down = nets.filter((net) => !up.includes(net))
  await renewLeases(task, host, prefix, down)
  const started: NetPlan[] = []
  undo.defer('stop nets', async (task) => destroyNets(task, host, started))
  await fanOut(task, down, async (net, task) =>
    task.step(`Create network ${net.spec.name}`, async (task) => {
      await about(`net ${net.spec.name}`, host.nets.start(task, net, prefix.plan))
      started.push(net)
    }),
  )
}

/** The leases are the prefix's own from init on; only one that was moved has to take them again, if they are free. */
async function renewLeases(task: Task, host: Host, prefix: Prefix, nets: readonly NetPlan[]): Promise<void> {
  const owner = leaseOwner(prefix.layout, prefix.plan.uuid)
  for (const { spec, subnet: text } of nets) {
    const subnet = text === undefined ? undefined : parseSubnet(text)
    if (subnet !== undefined) await about(`net ${spec.name}`, host.leases.acquire(task, owner, { subnet }))
  }
}

/**
 * Those of `vms` that are down boot, and those that sleep wake; one that is paused, as a run that was killed leaves it,
 * goes on. `undo` stops what this call started.
 */
export async function startVms(
  task: Task,
  host: Host,
  prefix: Prefix,
  vms: readonly VmPlan[],
  undo: UndoStack,
): Promise<void> {
  const states = await statesOf(task, host, vms)
  const sleepers = await sleepersAmong(prefix, vms)
  const down = vms.filter((vm) => NOT_THERE.includes(states.get(vm.spec.name)))
  await requireBackingFiles(task, down)
  await letInFileUsers(task, host, prefix, down)
  const isDown = (vm: VmPlan): boolean => down.includes(vm)
  const started: VmPlan[] = []
  undo.defer('stop VMs', async (task) => destroyVms(task, host, started))
  // what boots comes first: a failure there must not cost those that sleep their memory
  const booting = down.filter((vm) => !sleepers.includes(vm))
  await bootAll(task, host, prefix, booting, started)
  const waking = sleepers.filter(isDown)
  await wakeAll(task, host, prefix, waking, started)
  // a run that was killed may have left the memory of a VM that is up, or what machine it was without its memory
  await forgetSleep(
    prefix,
    vms.filter((vm) => !waking.includes(vm)),
  )
  const paused = vms.filter((vm) => states.get(vm.spec.name) === 'paused')
  await resumeAll(task, host, paused)
  await setClocks(task, host, prefix, paused)
}

async function bootAll(
  task: Task,
  host: Host,
  prefix: Prefix,
  vms: readonly VmPlan[],
  started: VmPlan[],
): Promise<void> {
  if (vms.length === 0) return
  const sshPublicKey = await readFile(prefix.layout.sshPublicKey, 'utf8')
  await startInWaves(task, vms, {
    slots: host.config.vm.jobs ?? (await bootSlots(task, host, vms)),
    watch: (vm) => providerOf(host, vm).watchBoot(vm),
    start: async (task, vm) =>
      task.step(`Starting VM ${vm.spec.name}`, async (task) => {
        const consoleLogPath = prefix.layout.consoleLog(vm.spec.name)
        const context = { env: prefix.plan, sshPublicKey, consoleLogPath }
        await about(`VM ${vm.spec.name}`, providerOf(host, vm).start(task, vm, context))
        started.push(vm)
      }),
  })
}

/** All are back before one of them runs on, so that none misses another. */
async function wakeAll(
  task: Task,
  host: Host,
  prefix: Prefix,
  vms: readonly VmPlan[],
  started: VmPlan[],
): Promise<void> {
  await fanOut(task, vms, async (vm, task) =>
    task.step(`Waking VM ${vm.spec.name}`, async (task) => {
      await about(`VM ${vm.spec.name}`, wake(task, host, prefix, vm))
      started.push(vm)
    }),
  )
  await forgetSleep(prefix, vms) // before they write to their disks, to which the memory would not fit any more
  started.splice(started.length - vms.length) // from here on there is nothing to go back to
  await resumeAll(task, host, vms)
  await setClocks(task, host, prefix, vms)
}

async function resumeAll(task: Task, host: Host, vms: readonly VmPlan[]): Promise<void> {
  await fanOut(task, vms, async (vm, task) =>
    about(`VM ${vm.spec.name}`, Promise.resolve(providerOf(host, vm).snapshots?.resume(task, vm))),
  )
}

/** A domain of ours that is off is gone; one that is `shut off` is another's, and libvirt will say so. */
const NOT_THERE: readonly (VmState | undefined)[] = ['down', 'shut off']

async function bootSlots(task: Task, host: Host, vms: readonly VmPlan[]): Promise<number> {
  const providers = [...new Set(vms.map((vm) => providerOf(host, vm)))]
  return Math.min(...(await fanOut(task, providers, async (provider) => provider.bootSlots(task))))
}
