/** What the kinds of VMs add to what is done with them. */
import { isLagoError, messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Era } from '../base/prefix-era.js'
import { isCancelled, type Task } from '../base/task.js'
import { unlessAborted } from '../base/unless-aborted.js'
import type { VmPlan } from '../plan/types.js'
import type { GuestProbe } from '../guest/probe.js'
import { vmTypeName } from '../vm/own-types.js'
import type { VmType } from '../vm/types.js'
import { reachGuest } from './guests.js'
import type { Host } from './host.js'
import type { Prefix } from './prefix.js'

/** Throws `LAGO_UNKNOWN_KIND` for a type whose plugin is not there. */
function vmTypeOf(host: Pick<Host, 'config' | 'vmTypes'>, vm: VmPlan): VmType {
  return host.vmTypes.get(typeNameOf(host, vm))
}

function typeNameOf({ config }: Pick<Host, 'config'>, vm: VmPlan): string {
  return vmTypeName(vm.spec) ?? config.vm.defaultType
}

/** The guest paths to collect: those of the init file, then those of the VM's type; each once. Throws as `vmTypeOf`. */
export function artifactsOf(host: Pick<Host, 'config' | 'vmTypes'>, vm: VmPlan, era: Era): readonly string[] {
  const ofType = vmTypeOf(host, vm).artifacts?.(vm.spec, era) ?? []
  return [...new Set([...vm.spec.artifacts, ...ofType])]
}

export interface TypeProbe {
  readonly type: string
  /** Answers when VMs of the type do what they are there for; to be asked when ssh answers. */
  readonly probe: GuestProbe
}

/** Undefined for types that do not say when they are ready. Throws as `vmTypeOf`. */
export function typeProbeOf(host: Pick<Host, 'config' | 'vmTypes'>, vm: VmPlan): TypeProbe | undefined {
  const definition = vmTypeOf(host, vm)
  if (definition.ready === undefined) return undefined
  const type = typeNameOf(host, vm)
  return {
    type,
    async probe(task, guest) {
      try {
        await byPlugin(task, definition.ready?.(task, guest))
        return { value: true }
      } catch (error) {
        task.signal.throwIfAborted()
        if (isLagoError(error, 'LAGO_GUEST_UNREACHABLE') || isLagoError(error, 'LAGO_GUEST_AUTH')) throw error
        return { never: messageOf(error), hint: `it is its VM type that says so: ${type}` }
      }
    },
  }
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
        await byPlugin(task, type.beforeStop?.(task, guest))
      })
    } catch (error) {
      if (isCancelled(error)) throw error
      const hint = isLagoError(error, 'LAGO_UNKNOWN_KIND') ? '; is its plugin missing?' : ''
      task.log('warning', `${vm.spec.name} is stopped without preparation: ${messageOf(error)}${hint}`)
    }
  })
}

/** A type is a plugin's code, which may not look at the signal. */
async function byPlugin(task: Task, work: Promise<void> | undefined): Promise<void> {
  await unlessAborted(task.signal, Promise.resolve(work))
}
