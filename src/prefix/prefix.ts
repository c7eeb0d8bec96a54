/**
 * A prefix: the directory that owns one environment. This file opens one and answers questions about it; each verb has
 * a file of its own.
 */
import { LagoError } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import type { Task } from '../base/task.js'
import { keepPasswords } from '../config/secrets.js'
import type { VmState } from '../libvirt/types.js'
import type { EnvPlan, NetPlan, VmPlan } from '../plan/types.js'
import type { VmProvider } from '../vm/provider.js'
import { readPrefixFiles, writeVms } from './files.js'
import type { Host } from './host.js'
import { prefixLayout, type PrefixLayout } from './layout.js'

export interface Prefix {
  /** Absolute. */
  readonly dir: string
  readonly layout: PrefixLayout
  readonly plan: EnvPlan
}

/** Its passwords are kept secret from here on. Throws `LAGO_PREFIX_CORRUPT` when its files do not make an environment. */
export async function openPrefix(dir: string): Promise<Prefix> {
  const layout = prefixLayout(dir)
  const plan = await readPrefixFiles(layout)
  keepPasswords([...plan.vms.values()].map(({ spec }) => spec))
  return { dir, layout, plan }
}

/** The prefix with VMs as `plan` has them, written down. */
export async function savePrefix(prefix: Prefix, plan: EnvPlan): Promise<Prefix> {
  await writeVms(prefix.layout, plan)
  return { ...prefix, plan }
}

/** `plan` with these VMs in the place of those of their names. */
export function withVms(plan: EnvPlan, vms: readonly VmPlan[]): EnvPlan {
  const changed = new Map(vms.map((vm) => [vm.spec.name, vm]))
  return { ...plan, vms: new Map([...plan.vms].map(([name, vm]) => [name, changed.get(name) ?? vm])) }
}

/**
 * The named VMs in the order of the init file; all without names.
 * Throws `LAGO_NO_SUCH_VM` with every unknown name and the VMs that there are.
 */
export function selectVms(plan: EnvPlan, names: readonly string[]): VmPlan[] {
  const unknown = names.filter((name) => !plan.vms.has(name))
  if (unknown.length > 0) throw noSuchVm(plan, unknown)
  return [...plan.vms.values()].filter((vm) => names.length === 0 || names.includes(vm.spec.name))
}

/** The VM of this name; no suffix will do. Throws `LAGO_NO_SUCH_VM`. */
export function getVm(plan: EnvPlan, name: string): VmPlan {
  const vm = plan.vms.get(name)
  if (vm === undefined) throw noSuchVm(plan, [name], `Unable to find VM ${name}`)
  return vm
}

/** The VM of this name, else the first whose name ends with it (spec 1.13). Throws `LAGO_NO_SUCH_VM`. */
export function findVm(plan: EnvPlan, name: string): VmPlan {
  const found = plan.vms.get(name) ?? [...plan.vms.values()].find((vm) => name !== '' && vm.spec.name.endsWith(name))
  if (found === undefined) throw noSuchVm(plan, [name], `Unable to find VM ${name}`)
  return found
}

/** The nets that at least one of `vms` is on. */
export function netsOf(plan: EnvPlan, vms: readonly VmPlan[]): NetPlan[] {
  const used = new Set(vms.flatMap((vm) => vm.nics.map((nic) => nic.net)))
  return [...plan.nets.values()].filter((net) => used.has(net.spec.name))
}

export function providerOf(host: Host, vm: VmPlan): VmProvider {
  return host.providers.get(vm.spec.provider ?? host.config.vm.defaultProvider)
}

/** Those of `nets` that are up. */
export async function netsUp(
  task: Task,
  host: Host,
  plan: EnvPlan,
  nets: readonly NetPlan[],
): Promise<readonly NetPlan[]> {
  const names = nets.map((net) => net.libvirtName)
  const active = await host.nets.active(task, names, plan.uuid)
  return nets.filter((net) => active.has(net.libvirtName))
}

/** The state of every one of `vms`, by name, in one round trip per provider. */
export async function statesOf(task: Task, host: Host, vms: readonly VmPlan[]): Promise<ReadonlyMap<string, VmState>> {
  const states = new Map<string, VmState>()
  for (const provider of new Set(vms.map((vm) => providerOf(host, vm)))) {
    const own = vms.filter((vm) => providerOf(host, vm) === provider)
    for (const [name, state] of await provider.states(task, own)) states.set(name, state)
  }
  return states
}

function noSuchVm(
  plan: EnvPlan,
  unknown: readonly string[],
  what = `The following vms do not exist: ${unknown.join(', ')}`,
): LagoError {
  const names = [...plan.vms.keys()]
  const meant = unknown.map((name) => nearest(name, names)).find((name) => name !== undefined)
  const question = meant === undefined ? '' : `; did you mean ${meant}?`
  return new LagoError('LAGO_NO_SUCH_VM', `${what}${question}`, {
    hint: `Available VMs: ${names.join(', ')}`,
    data: { unknown, vms: names },
  })
}
