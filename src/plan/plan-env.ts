/**
 * From what the user wrote to what will exist: names, addresses, DNS, disk paths. Pure: nothing is read, made or asked.
 * Must not know how plans are stored or started.
 */
import { formatIpv4, formatSubnet, parseIpv4, parseSubnet, type Subnet } from '../base/ipv4.js'
import { managementNets } from '../spec/management.js'
import type { DomainSpec, EnvSpec, NetSpec } from '../spec/types.js'
import { allocateAddresses, type NetSubnet, type NicAddress } from './addresses.js'
import { planDisks, type DiskFacts } from './disks.js'
import { dnsRecords, netMapping, type NamedVm } from './dns.js'
import { macOf, macOfNic } from './mac.js'
import { bridgeNames, domainLibvirtName, netLibvirtName } from './names.js'
import type { EnvPlan, NetPlan, NicPlan, VmPlan } from './types.js'

export interface PlanFacts extends DiskFacts {
  readonly uuid: string
  readonly prefixDir: string
  /** What every net but those on bridges has leased: `192.168.200.0/24`. */
  readonly subnets: ReadonlyMap<string, string>
}

/** The domain that management nets serve when the init file names none. */
const DEFAULT_DNS_DOMAIN = 'lago.local'

/**
 * Plans a validated init file. The same input gives the same plan.
 * Throws `LAGO_SPEC_INVALID` for static addresses that cannot be had and for disks that would be one file.
 */
export function planEnv(spec: EnvSpec, facts: PlanFacts): EnvPlan {
  const subnets = subnetsOf(spec.nets, facts.subnets)
  const addresses = allocateAddresses(spec, subnets)
  return {
    uuid: facts.uuid,
    prefixDir: facts.prefixDir,
    vms: planVms(spec, facts, addresses),
    nets: planNets(spec, facts.uuid, subnets, addresses),
  }
}

function subnetsOf(nets: EnvSpec['nets'], leased: ReadonlyMap<string, string>): ReadonlyMap<string, NetSubnet> {
  const served = [...nets.values()].filter((net) => net.type !== 'bridge')
  return new Map(
    served.map((net) => {
      const subnet = parseSubnet(leased.get(net.name) ?? '')
      if (subnet === undefined) throw new Error(`unreachable: net ${net.name} has no subnet`)
      const given = net.gateway === undefined ? undefined : parseIpv4(net.gateway)
      const isNamed = given !== undefined || net.subnet !== undefined
      return [net.name, { subnet, gateway: given ?? subnet.network + 1, isNamed }]
    }),
  )
}

function planVms(spec: EnvSpec, facts: PlanFacts, addresses: readonly NicAddress[]): ReadonlyMap<string, VmPlan> {
  const disks = planDisks(spec.domains.values(), facts)
  const vms = [...namedVms(spec)].map(([name, { spec: domain, managementNet }]): [string, VmPlan] => {
    const nics = domain.nics.map((_, index) => planNic(spec, { uuid: facts.uuid, domain, index }, addresses))
    const managementIp = nics.find((nic) => nic.net === managementNet)?.ip
    const libvirtName = domainLibvirtName(facts.uuid, name)
    const machine = { managementNet, managementIp, nics, disks: disks.get(name) ?? [] }
    return [name, { spec: domain, libvirtName, ...machine, bootstrap: undefined, found: {}, snapshots: new Map() }]
  })
  return new Map(vms)
}

function planNic(
  spec: EnvSpec,
  { uuid, domain, index }: { readonly uuid: string; readonly domain: DomainSpec; readonly index: number },
  addresses: readonly NicAddress[],
): NicPlan {
  const net = spec.nets.get(domain.nics[index]?.net ?? '')
  if (net === undefined) throw new Error(`unreachable: nic ${index} of ${domain.name} is on a net that is not there`)
  const ip = addresses.find((address) => address.vm === domain.name && address.nic === index)?.ip
  return { net: net.name, ip, mac: ip === undefined ? macOfNic(uuid, domain.name, index) : macOf(ip), mtu: net.mtu }
}

function planNets(
  spec: EnvSpec,
  uuid: string,
  subnets: ReadonlyMap<string, NetSubnet>,
  addresses: readonly NicAddress[],
): ReadonlyMap<string, NetPlan> {
  const vms = namedVms(spec)
  const management = managementNets(spec.nets)
  const bridges = bridgeNames(uuid, spec.nets.values())
  const mappings = new Map([...spec.nets.keys()].map((name) => [name, netMapping(name, vms, addresses)]))
  const gateways = new Map([...subnets].map(([name, { gateway }]) => [name, formatIpv4(gateway)]))
  const dnsServer = lastGateway(management, gateways)
  const plan = (net: NetSpec): NetPlan => {
    const isManagement = management.has(net.name)
    return {
      spec: net,
      libvirtName: netLibvirtName(uuid, net.name),
      bridgeName: bridges.get(net.name) ?? '', // every net has one
      isManagement,
      subnet: formatted(subnets.get(net.name)?.subnet),
      gateway: gateways.get(net.name),
      dnsDomain: net.dnsDomain ?? (isManagement ? DEFAULT_DNS_DOMAIN : undefined),
      mapping: mappings.get(net.name) ?? new Map(),
      dnsRecords: isManagement ? dnsRecords(net, mappings.values()) : undefined,
      dnsForward: isManagement ? undefined : dnsServer,
    }
  }
  return new Map([...spec.nets].map(([name, net]) => [name, plan(net)]))
}

function formatted(subnet: Subnet | undefined): string | undefined {
  return subnet === undefined ? undefined : formatSubnet(subnet)
}

function namedVms(spec: EnvSpec): ReadonlyMap<string, NamedVm> {
  const management = managementNets(spec.nets)
  const vms = [...spec.domains].map(([name, domain]): [string, NamedVm] => {
    const managementNet = domain.nics.find((nic) => management.has(nic.net))?.net
    if (managementNet === undefined) throw new Error(`unreachable: ${name} has no management net`)
    return [name, { spec: domain, managementNet }]
  })
  return new Map(vms)
}

/** With several management nets the last in sorted order answers for the others (spec 3.9). */
function lastGateway(management: ReadonlySet<string>, gateways: ReadonlyMap<string, string>): string | undefined {
  const served = [...management].filter((name) => gateways.has(name)).sort()
  return gateways.get(served.at(-1) ?? '')
}
