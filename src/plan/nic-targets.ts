/** Which nics `NET` or `VM:NIC` means. A name without a colon is always a net's, so a VM may have the same. Pure. */
import { LagoError } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import type { EnvPlan, VmPlan } from './types.js'

export interface NicTarget {
  readonly vm: string
  /** Counts the VM's nics from 0. */
  readonly index: number
}

/**
 * Every nic on the net of that name, or the one nic of a VM that is named by its number, as `eth1`, or by its net where
 * the VM has one nic on that.
 * Throws `LAGO_NO_SUCH_NET`, `LAGO_NO_SUCH_VM` and `LAGO_NO_SUCH_NIC`, with what there is.
 */
export function findNics(plan: EnvPlan, target: string): readonly NicTarget[] {
  const colon = target.indexOf(':')
  return colon < 0 ? nicsOnNet(plan, target) : [nicOfVm(plan, target.slice(0, colon), target.slice(colon + 1))]
}

function nicsOnNet(plan: EnvPlan, net: string): readonly NicTarget[] {
  if (!plan.nets.has(net)) throw noSuchNet(plan, net)
  const found = [...plan.vms].flatMap(([vm, { nics }]) =>
    nics.flatMap((nic, index) => (nic.net === net ? [{ vm, index }] : [])),
  )
  if (found.length === 0)
    throw new LagoError('LAGO_NO_SUCH_NIC', `no VM has a nic on net ${net}`, {
      data: { net, vms: [...plan.vms.keys()] },
    })
  return found
}

function noSuchNet(plan: EnvPlan, net: string): LagoError {
  const names = [...plan.nets.keys()]
  const vm = plan.vms.get(net)
  const meant = vm === undefined ? nearest(net, names) : undefined
  const question = vm !== undefined ? ', but a VM' : meant === undefined ? '' : `; did you mean ${meant}?`
  return new LagoError('LAGO_NO_SUCH_NET', `there is no net ${plainName(net)}${question}`, {
    hint: vm === undefined ? `nets: ${names.join(', ')}; or VM:NIC` : `name its nic: ${nicNames(vm)}`,
    data: { net, nets: names },
  })
}

function nicOfVm(plan: EnvPlan, name: string, nic: string): NicTarget {
  const vm = plan.vms.get(name)
  if (vm === undefined) throw noSuchVm(plan, name)
  const index = indexOf(vm, nic)
  if (index === undefined) throw noSuchNic(vm, nic)
  return { vm: name, index }
}

/** A number is a number, also where a net bears it. */
function indexOf(vm: VmPlan, nic: string): number | undefined {
  const numbered = /^(?:eth)?(0|[1-9]\d{0,3})$/.exec(nic)?.[1]
  const byNumber = numbered !== undefined && Number(numbered) < vm.nics.length ? Number(numbered) : undefined
  if (/^\d+$/.test(nic)) return byNumber
  const byNet = vm.nics.flatMap(({ net }, index) => (net === nic ? [index] : []))
  const found = new Set([...byNet, ...(byNumber === undefined ? [] : [byNumber])])
  if (found.size > 1) throw ambiguous(vm, nic, [...found])
  return [...found][0]
}

function ambiguous(vm: VmPlan, nic: string, found: readonly number[]): LagoError {
  return new LagoError('LAGO_NO_SUCH_NIC', `${vm.spec.name}:${nic} may be more than one nic`, {
    hint: `say which: ${found.map((index) => `${vm.spec.name}:${index}`).join(', ')}`,
    data: { vm: vm.spec.name, nic, found },
  })
}

function noSuchNic(vm: VmPlan, nic: string): LagoError {
  const nets = [...new Set(vm.nics.map(({ net }) => net))]
  const meant = nearest(nic, nets)
  const question = meant === undefined ? '' : `; did you mean ${vm.spec.name}:${meant}?`
  return new LagoError('LAGO_NO_SUCH_NIC', `${vm.spec.name} has no nic ${plainName(nic)}${question}`, {
    hint: `its nics: ${nicNames(vm)}`,
    data: { vm: vm.spec.name, nic, nics: nets },
  })
}

function noSuchVm(plan: EnvPlan, name: string): LagoError {
  const names = [...plan.vms.keys()]
  const meant = nearest(name, names)
  const question = meant === undefined ? '' : `; did you mean ${meant}?`
  return new LagoError('LAGO_NO_SUCH_VM', `Unable to find VM ${plainName(name)}${question}`, {
    hint: `Available VMs: ${names.join(', ')}`,
    data: { unknown: [name], vms: names },
  })
}

function nicNames({ spec, nics }: VmPlan): string {
  return nics.map(({ net }, index) => `${spec.name}:${index} (${net})`).join(', ') || 'none'
}

/** What was asked for may be of any length and content. */
function plainName(name: string): string {
  const line = JSON.stringify(name).slice(1, -1)
  return line.length <= 64 ? line : `${line.slice(0, 64)}...`
}
