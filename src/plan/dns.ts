/** The names that machines find each other by (spec 2.4). */
import type { DomainSpec, NetSpec } from '../spec/types.js'
import type { NicAddress } from './addresses.js'

/** A domain and the name of its management net. */
export interface NamedVm {
  readonly spec: DomainSpec
  readonly managementNet: string
}

/**
 * Name to address on one net. A VM's `eth1`, its second nic on net `san`, is `vm-eth1` and `vm-san-1`; the first on
 * `san` is `vm-san-0`, and `vm-san` too; the first on the management net is `vm` as well.
 *
 * A name that comes out twice goes to the VM that is called so, else to the nic that was given its address first.
 */
export function netMapping(
  net: string,
  vms: ReadonlyMap<string, NamedVm>,
  addresses: readonly NicAddress[],
): ReadonlyMap<string, string> {
  const mapping = new Map<string, string>()
  for (const address of addresses.filter((address) => address.net === net))
    for (const name of namesOf(address, vms))
      if (!mapping.has(name) && (name === address.vm || !vms.has(name))) mapping.set(name, address.ip)
  return mapping
}

/** What a management net's server answers: the user's records and the names of all nets, which win. */
export function dnsRecords(net: NetSpec, mappings: Iterable<ReadonlyMap<string, string>>): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const mapping of mappings) for (const [name, ip] of mapping) if (!names.has(name)) names.set(name, ip)
  return new Map([...Object.entries(net.dnsRecords), ...names])
}

function namesOf({ vm, nic, net }: NicAddress, vms: ReadonlyMap<string, NamedVm>): string[] {
  const owner = vms.get(vm)
  if (owner === undefined) throw new Error(`unreachable: an address for ${vm}, which is not planned`)
  const nth = owner.spec.nics.slice(0, nic).filter((other) => other.net === net).length
  const names = [`${vm}-eth${nic}`, `${vm}-${net}-${nth}`]
  if (nth === 0) names.push(`${vm}-${net}`)
  if (nth === 0 && net === owner.managementNet) names.push(vm)
  return names
}
