/** What the shape of a net's keys does not say: its kind, DNS (spec 3.9); its addresses are in check-subnets.ts. */
import { isIP } from 'node:net'
import type { Subnet } from '../base/ipv4.js'
import { checkOverlaps, checkSubnet } from './check-subnets.js'
import { describeValue, errorAt, mappingOf, type Finding, type Path, type PlainMapping } from './findings.js'
import { managementNets } from './management.js'
import { checkName, isHostName } from './names.js'
import { ipv6PrefixOf, namedSubnet, prefixLengthOf } from './net-values.js'
import { flagOf, netSchema, type NetInput } from './schema.js'

/** A net as far as it is understood: a key that has the wrong shape is told elsewhere, and undefined here. */
export interface NetDraft {
  readonly name: string
  readonly path: Path
  readonly raw: PlainMapping
  readonly isBridge: boolean
  readonly management: boolean
  readonly gateway: string | undefined
  /** As written. */
  readonly subnetText: string | undefined
  /** Undefined: chosen at `init`, or not understood. */
  readonly subnet: Subnet | undefined
  /** Undefined: not understood. */
  readonly prefixLength: number | undefined
  readonly ipv6Prefix: string | undefined
  readonly dhcp: NetInput['dhcp']
}

export function draftNets(nets: PlainMapping): Map<string, NetDraft> {
  return new Map(Object.entries(nets).map(([name, net]) => [name, draftNet(name, mappingOf(net))]))
}

function draftNet(name: string, raw: PlainMapping): NetDraft {
  const { gw, dhcp, subnet } = netSchema.shape
  const gateway = gw.safeParse(raw.gw).data
  const subnetText = subnet.safeParse(raw.subnet).data
  const prefixLength = prefixLengthOf(subnetText)
  const named = subnetText?.startsWith('/') === true ? undefined : subnetText
  return {
    name,
    path: ['nets', name],
    raw,
    isBridge: raw.type === 'bridge',
    management: flagOf(raw.management),
    gateway,
    subnetText,
    subnet: prefixLength === undefined ? undefined : namedSubnet({ subnet: named, gateway, prefixLength }),
    prefixLength,
    ipv6Prefix: ipv6PrefixOf(raw.ipv6),
    dhcp: dhcp.safeParse(raw.dhcp).data,
  }
}

export function checkNets(nets: ReadonlyMap<string, NetDraft>): Finding[] {
  if (nets.size === 0) return [errorAt(['nets'], 'No networks configured', { at: 'key' })]
  const own = [...nets.values()].flatMap((net) => [
    ...checkName(net.name, net.path),
    ...checkKeysOfKind(net),
    ...checkSubnet(net),
    ...checkIpv6(net),
    ...checkDns(net),
  ])
  return [...own, ...checkOverlaps(nets), ...checkDnsAttributes(nets)]
}

/** Keys that upstream does not know and that would be passed over. */
function checkKeysOfKind({ path, raw, isBridge }: NetDraft): Finding[] {
  const found = (keys: readonly string[]): string[] => keys.filter((key) => Object.hasOwn(raw, key))
  const wrong = isBridge ? found(['subnet', 'ipv6']) : found(['bridge'])
  const why = isBridge ? 'a bridge is not given addresses by Lago' : 'only a net of type bridge has it'
  return wrong.map((key) => errorAt([...path, key], `${why}`, { at: 'key' }))
}

function checkIpv6({ path, raw, ipv6Prefix }: NetDraft): Finding[] {
  if (ipv6Prefix === undefined || /^f[cd]/.test(ipv6Prefix)) return []
  return [errorAt([...path, 'ipv6'], `${describeValue(raw.ipv6)} is not private: what starts with fc or fd is`)]
}

function checkDns({ path, raw }: NetDraft): Finding[] {
  const domain = raw.dns_domain_name
  const wrongDomain = typeof domain === 'string' && !isHostName(domain)
  // names in DNS may have underscores (RFC 2181)
  const wrongNames = Object.keys(mappingOf(raw.dns_records)).filter((name) => !isHostName(name.replaceAll('_', 'x')))
  return [
    ...checkForwarders(path, raw),
    ...(wrongDomain ? [errorAt([...path, 'dns_domain_name'], `${describeValue(domain)} is not a DNS domain`)] : []),
    ...wrongNames.map((name) =>
      errorAt([...path, 'dns_records', name], `${describeValue(name)} is not a host name`, { at: 'key' }),
    ),
  ]
}

function checkForwarders(path: Path, raw: PlainMapping): Finding[] {
  const forwarders = netSchema.shape.dns_forwarders.safeParse(raw.dns_forwarders).data ?? []
  return forwarders.flatMap((forwarder, index) => {
    const at = [...path, 'dns_forwarders', index]
    const { addr, domain } = typeof forwarder === 'string' ? { addr: forwarder, domain: undefined } : forwarder
    const addrPath = typeof forwarder === 'string' ? at : [...at, 'addr']
    return [
      ...(isIP(addr) === 0 ? [errorAt(addrPath, `${describeValue(addr)} is not the address of a DNS server`)] : []),
      ...(domain === undefined || isHostName(domain)
        ? []
        : [errorAt([...at, 'domain'], `${describeValue(domain)} is not a DNS domain`)]),
    ]
  })
}

const DNS_ATTRIBUTES = ['dns_domain_name', 'dns_records', 'dns_forwarders', 'main_dns'] as const

function checkDnsAttributes(nets: ReadonlyMap<string, NetDraft>): Finding[] {
  const management = managementNets(nets)
  return [...nets.values()]
    .filter(({ name }) => !management.has(name))
    .flatMap(({ path, raw }) => DNS_ATTRIBUTES.filter((key) => Object.hasOwn(raw, key)).map((key) => [...path, key]))
    .map((path) =>
      errorAt(path, 'DNS is supported only in management networks, and this net is not marked as one', { at: 'key' }),
    )
}
