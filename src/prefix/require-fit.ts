/** Before VMs are started: whether this host can take them. */
import type { Task } from '../base/task.js'
import { needsOfVms } from '../doctor/needs.js'
import { requireFit } from '../doctor/quick.js'
import { realFiles } from '../doctor/real-facts.js'
import type { VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { providerOf, statesOf, type Prefix } from './prefix.js'

export interface FitOptions {
  /** What does not fit is told, and no reason to refuse. Default false. */
  readonly force?: boolean
}

/** Those of `vms` that are down and would run on this very host. Throws `LAGO_NOT_READY`. */
export async function requireFittingHost(
  task: Task,
  host: Host,
  prefix: Prefix,
  vms: readonly VmPlan[],
  options: FitOptions,
): Promise<void> {
  const states = await statesOf(task, host, vms)
  const down = vms.filter((vm) => states.get(vm.spec.name) === 'down')
  for (const provider of new Set(down.map((vm) => providerOf(host, vm)))) {
    const use = await provider.hostUse?.(task)
    if (use === undefined) continue
    const own = down.filter((vm) => providerOf(host, vm) === provider)
    const place = { source: `the environment in ${prefix.dir}`, imagesDir: prefix.layout.images, isLocal: () => true }
    const needs = await needsOfVms(own, place)
    await requireFit(task, realFiles(), { needs, vms: own, use, prefixDir: prefix.dir }, options)
  }
}
