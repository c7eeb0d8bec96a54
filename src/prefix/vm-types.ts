/** What the kinds of VMs add to what is done with them. */
import { isLagoError, messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { isCancelled, type Task } from '../base/task.js'
import type { VmPlan } from '../plan/types.js'
import type { VmType } from '../vm/types.js'
import { reachGuest } from './guests.js'
import type { Host } from './host.js'
import type { Prefix } from './prefix.js'

/** Throws `LAGO_UNKNOWN_KIND` for a type whose plugin is not there. */
export function vmTypeOf({ config, vmTypes }: Pick<Host, 'config' | 'vmTypes'>, vm: VmPlan): VmType {
  return vmTypes.get(vm.spec.vmType ?? config.vm.defaultType)
}

/** The guest paths to collect: those of the init file, then those of the VM's type; each once. Throws as `vmTypeOf`. */
export function artifactsOf(host: Pick<Host, 'config' | 'vmTypes'>, vm: VmPlan): readonly string[] {
  const ofType = vmTypeOf(host, vm).artifacts?.(vm.spec) ?? []
  return [...new Set([...vm.spec.artifacts, ...ofType])]
}

/**
 * Returns when VMs of this type do what they are there for; at once for types that do not say. To be asked when ssh
 * answers. Throws what the type throws, and `LAGO_GUEST_UNREACHABLE`.
 */
export async function waitForType(task: Task, host: Host, prefix: Prefix, vm: VmPlan): Promise<void> {
  const type = vmTypeOf(host, vm)
  if (type.ready === undefined) return
  await using guest = await reachGuest(task, host, prefix, vm)
  await type.ready(task, guest)
}

/** Of each VM, its way to the guest included. */
const BEFORE_STOP_MS = 30_000

/**
 * Lets the types of running `vms` do in the guests what has to be done before they end. What fails, takes longer than
 * 30 s or has a type that is not known is a warning: stopping must always be possible.
 */
export async function beforeStop(
  task: Task,
  host: Host,
  prefix: Prefix,
  vms: readonly VmPlan[],
  limitMs = BEFORE_STOP_MS,
): Promise<void> {
  await fanOut(task, vms, async (vm, task) => {
    try {
      const type = vmTypeOf(host, vm)
      if (type.beforeStop === undefined) return
      await task.within(limitMs, `preparing ${vm.spec.name} for its stop`, async (task) => {
        await using guest = await reachGuest(task, host, prefix, vm)
        await Promise.race([type.beforeStop?.(task, guest), rejectOnAbort(task.signal)])
      })
    } catch (error) {
      if (isCancelled(error)) throw error
      const hint = isLagoError(error, 'LAGO_UNKNOWN_KIND') ? '; is its plugin missing?' : ''
      task.log('warning', `${vm.spec.name} is stopped without preparation: ${messageOf(error)}${hint}`)
    }
  })
}

/** A type is a plugin's code, which may not look at the signal. */
async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as unknown), { once: true })
    if (signal.aborted) reject(signal.reason as unknown)
  })
}
