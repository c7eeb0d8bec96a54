/** `lago shutdown`: the guests are asked to power off and waited for, then the nets go as in `stop` (spec 5.7). */
import { isLagoError, LagoError, messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { waitUntil, type Probe } from '../base/wait.js'
import type { Guest } from '../guest/guest.js'
import type { VmState } from '../libvirt/types.js'
import type { VmPlan } from '../plan/types.js'
import { withoutForeign } from './foreign.js'
import { reachGuest } from './guests.js'
import type { Host } from './host.js'
import { providerOf, selectVms, statesOf, type Prefix } from './prefix.js'
import { destroyVms, stopUnusedNets } from './stop.js'
import { beforeStop } from './vm-types.js'

export interface ShutdownOptions {
  /** Empty: all. */
  readonly names: readonly string[]
  /** Ask for a reboot, and do not wait for it. */
  readonly reboot?: boolean
  /** Power off what has not gone down in time. */
  readonly force?: boolean
  /** For all VMs, which are waited for at once. Default 300 s. */
  readonly timeoutMs?: number
  /** When a guest that is still up is asked again, from the first request on. Default: after 10 s and 40 s. */
  readonly askAgainAfterMs?: readonly number[]
}

const DEFAULT_TIMEOUT_MS = 300_000
/** A guest that is still booting does not hear the request. */
const ASK_AGAIN_AFTER_MS = [10_000, 40_000]

/**
 * VMs that do not run are passed over.
 * Throws `LAGO_SHUTDOWN` with the VMs that have not gone down, `LAGO_NO_SUCH_VM`, `LAGO_LIBVIRT`,
 * `LAGO_LIBVIRT_CONNECT`, `LAGO_PARTIAL`.
 */
export async function shutdownPrefix(task: Task, host: Host, prefix: Prefix, options: ShutdownOptions): Promise<void> {
  const vms = selectVms(prefix.plan, options.names)
  const reboot = options.reboot ?? false
  await task.step(reboot ? 'Reboot prefix' : 'Shutdown prefix', async (task) => {
    const up = withoutForeign(task, host, await thoseUp(task, host, vms))
    await beforeStop(task, host, prefix, up)
    const request = {
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      force: options.force ?? false,
      askAgainAfterMs: options.askAgainAfterMs ?? ASK_AGAIN_AFTER_MS,
    }
    if (reboot) await task.step('Reboot vms', async (task) => rebootVms(task, host, prefix, up, request.timeoutMs))
    else {
      await task.step('Shutdown vms', async (task) => shutdownVms(task, host, prefix, up, request))
      const running = await thoseUp(task, host, [...prefix.plan.vms.values()])
      await stopUnusedNets(task, host, prefix, { stopped: vms, running, all: options.names.length === 0 })
    }
  })
}

async function rebootVms(
  task: Task,
  host: Host,
  prefix: Prefix,
  up: readonly VmPlan[],
  limitMs: number,
): Promise<void> {
  const asked = await fanOut(task, up, async (vm, task) =>
    task.step(`Reboot VM ${vm.spec.name}`, async (task) =>
      askGuest(task, host, prefix, vm, { how: 'reboot', limitMs }),
    ),
  )
  const refused = up.filter((_, index) => !asked[index])
  if (refused.length > 0)
    throw new LagoError('LAGO_SHUTDOWN', `Failed to reboot vm: ${namesOf(refused)}`, {
      hint: 'neither libvirt nor ssh could ask the guest; see the log for what they said',
      data: { vms: refused.map(({ spec }) => spec.name) },
    })
}

async function shutdownVms(
  task: Task,
  host: Host,
  prefix: Prefix,
  up: readonly VmPlan[],
  { timeoutMs, force, askAgainAfterMs }: Required<Pick<ShutdownOptions, 'timeoutMs' | 'force' | 'askAgainAfterMs'>>,
): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs
  const asked = await fanOut(task, up, async (vm, task) =>
    task.step(`Shutdown VM ${vm.spec.name}`, async (task) =>
      askGuest(task, host, prefix, vm, { how: 'off', limitMs: timeoutMs }),
    ),
  )
  const waitedFor = up.filter((vm, index) => asked[index] && !isForeign(host, vm))
  const leftMs = Math.max(0, deadlineMs - Date.now())
  await waitUntilDown(task, host, waitedFor, { timeoutMs: leftMs, askAgainAfterMs })
  const left = (await thoseUp(task, host, up)).filter((vm) => !isForeign(host, vm))
  if (left.length === 0) return
  if (!force) throw await notDown(task, host, left, timeoutMs)
  task.log('warning', `powering off what has not gone down within ${timeoutMs / 1000} s: ${namesOf(left)}`)
  await destroyVms(task, host, left)
}

/** False: nobody could be asked, libvirt and the guest's ssh said no. */
async function askGuest(
  task: Task,
  host: Host,
  prefix: Prefix,
  vm: VmPlan,
  { how, limitMs }: { readonly how: 'off' | 'reboot'; readonly limitMs: number },
): Promise<boolean> {
  try {
    await providerOf(host, vm).shutdown(task, vm, how)
    return true
  } catch (error) {
    if (!isLagoError(error, 'LAGO_LIBVIRT')) throw error
    if ((await thoseUp(task, host, [vm])).length === 0) return true // it went down on its own
    task.log('info', `${vm.spec.name}: asking over ssh, for libvirt could not: ${error.message}`)
  }
  const reach = async (task: Task): Promise<Guest> => reachGuest(task, host, prefix, vm)
  return askOverSsh(task, reach, { vm: vm.spec.name, how, limitMs })
}

/** False, with a warning: the guest could not be reached, or refused. `limitMs` is for all of it. */
export async function askOverSsh(
  task: Task,
  reach: (task: Task) => Promise<Guest>,
  { vm, how, limitMs }: { readonly vm: string; readonly how: 'off' | 'reboot'; readonly limitMs: number },
): Promise<boolean> {
  try {
    return await task.within(limitMs, `ssh to ${vm}`, async (task) => {
      await using guest = await reach(task)
      await guest.run(task, 'true') // connects: who cannot be reached has not been asked
      return await hears(task, guest, how === 'off' ? 'poweroff' : 'reboot')
    })
  } catch (error) {
    if (!isLagoError(error) || !NOT_ASKED.includes(error.code)) throw error
    task.log('warning', `${vm} could not be asked over ssh: ${messageOf(error)}`)
    return false
  }
}

const NOT_ASKED: readonly string[] = [
  'LAGO_GUEST_UNREACHABLE',
  'LAGO_GUEST_AUTH',
  'LAGO_HOST_KEY_CHANGED',
  'LAGO_VM_NOT_RUNNING',
  'LAGO_TIMEOUT',
]

/** The guest may be gone before it has told how the command ended; then it has heard it. */
async function hears(task: Task, guest: Guest, command: string): Promise<boolean> {
  try {
    const { exitCode } = await guest.run(task, [command])
    return exitCode === 0
  } catch (error) {
    if (isLagoError(error, 'LAGO_GUEST_UNREACHABLE')) return true
    throw error
  }
}

const EVERY_MS = 500

/** Returns also when the time is over; what is left is the caller's to see. */
async function waitUntilDown(
  task: Task,
  host: Host,
  vms: readonly VmPlan[],
  { timeoutMs, askAgainAfterMs }: Required<Pick<ShutdownOptions, 'timeoutMs' | 'askAgainAfterMs'>>,
): Promise<void> {
  const startedAtMs = Date.now()
  const repeats = [...askAgainAfterMs]
  const probe = async (task: Task): Promise<Probe<true>> => {
    const left = await thoseUp(task, host, vms)
    if (left.length === 0) return { value: true }
    if (Date.now() - startedAtMs >= (repeats[0] ?? Infinity)) {
      repeats.shift()
      await askAgain(task, host, left)
    }
    return { notYet: `still up: ${namesOf(left)}` }
  }
  await waitUntil(task, 'shutdown', probe, { timeoutMs, everyMs: EVERY_MS }).catch((error: unknown) => {
    if (!isLagoError(error, 'LAGO_TIMEOUT') || task.signal.aborted) throw error
  })
}

async function askAgain(task: Task, host: Host, vms: readonly VmPlan[]): Promise<void> {
  for (const vm of vms) {
    task.log('debug', `asking ${vm.spec.name} again to power off`)
    await providerOf(host, vm)
      .shutdown(task, vm, 'off')
      .catch((error: unknown) => {
        if (!isLagoError(error, 'LAGO_LIBVIRT')) throw error
        task.log('debug', `${vm.spec.name} could not be asked again: ${error.message}`) // it may just have gone down
      })
  }
}

async function thoseUp(task: Task, host: Host, vms: readonly VmPlan[]): Promise<VmPlan[]> {
  const states = await statesOf(task, host, vms)
  return vms.filter((vm) => states.get(vm.spec.name) !== 'down')
}

async function notDown(task: Task, host: Host, vms: readonly VmPlan[], timeoutMs: number): Promise<LagoError> {
  const states = await statesOf(task, host, vms)
  const stateOf = (vm: VmPlan): VmState => states.get(vm.spec.name) ?? 'unknown'
  return new LagoError('LAGO_SHUTDOWN', `Failed to shutdown vm: ${namesOf(vms)}`, {
    hint: 'lago shutdown --force powers off what does not go down; lago stop does so at once',
    data: { timeoutMs, states: Object.fromEntries(vms.map((vm) => [vm.spec.name, stateOf(vm)])) },
  })
}

function isForeign(host: Host, vm: VmPlan): boolean {
  return providerOf(host, vm).foreign === true
}

function namesOf(vms: readonly VmPlan[]): string {
  return vms.map(({ spec }) => spec.name).join(', ')
}
