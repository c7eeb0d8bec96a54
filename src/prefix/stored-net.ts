/** One net as its file in a prefix (spec 2.4). */
import { formatSubnet, parseIpv4, subnetAround } from '../base/ipv4.js'
import type { NetPlan } from '../plan/types.js'
import { dnsForwardersOf, ipv6Of } from '../spec/net-values.js'
import { DEFAULT_PREFIX_LENGTH, hostNumber, prefixLengthOf } from '../spec/net-values.js'
import { NET_TYPES, type DnsForwarder, type NetSpec } from '../spec/types.js'
import { cover, definedOnly, uncover } from './given.js'
import {
  choiceAt,
  flagAt,
  has,
  mappingAt,
  optionalTextAt,
  textMapAt,
  textAt,
  wholeNumberAt,
  wrong,
  type JsonObject,
  type Stored,
} from './stored.js'

export function encodeNet(net: NetPlan): JsonObject {
  return cover(givenKeys(net.spec), {
    name: net.spec.name,
    type: net.spec.type,
    gw: net.gateway,
    // upstream knows no other subnet than the /24 around the gateway
    subnet: net.subnet === undefined || net.subnet === aroundGateway(net.gateway) ? undefined : net.subnet,
    management: net.isManagement,
    mapping: Object.fromEntries(net.mapping),
    dns_domain_name: net.dnsDomain,
    dns_records: net.dnsRecords === undefined ? undefined : Object.fromEntries(net.dnsRecords),
    dns_forward: net.dnsForward,
  })
}

export interface NetNames extends Pick<NetPlan, 'libvirtName' | 'bridgeName'> {
  /** As `virt/env` has it. */
  readonly name: string
}

export function decodeNet(stored: Stored, { name, libvirtName, bridgeName }: NetNames): NetPlan {
  const gateway = optionalTextAt(stored, 'gw')
  const spec = netSpec(uncover(stored), name)
  if (spec.type !== 'bridge') textAt(stored, 'gw') // such a net cannot be without
  return {
    spec,
    libvirtName,
    bridgeName,
    subnet: optionalTextAt(stored, 'subnet') ?? aroundGateway(gateway),
    isManagement: flagAt(stored, 'management', false),
    gateway,
    dnsDomain: optionalTextAt(stored, 'dns_domain_name'),
    mapping: textMapAt(stored, 'mapping') ?? new Map(),
    dnsRecords: textMapAt(stored, 'dns_records'),
    dnsForward: optionalTextAt(stored, 'dns_forward'),
  }
}

export function netTypeAt(stored: Stored): NetSpec['type'] {
  return choiceAt(stored, 'type', NET_TYPES, 'nat')
}

/** The host's bridge that the net is on. */
export function netBridgeAt(stored: Stored): string | undefined {
  return optionalTextAt(stored, 'bridge')
}

function aroundGateway(gateway: string | undefined): string | undefined {
  const address = gateway === undefined ? undefined : parseIpv4(gateway)
  return address === undefined ? undefined : formatSubnet(subnetAround(address, DEFAULT_PREFIX_LENGTH))
}

/** The user's keys; what they do not say, because the spec was not read from a file, is added. */
function givenKeys(spec: NetSpec): JsonObject {
  const { dhcp } = spec
  const said = definedOnly({
    type: spec.type === 'nat' ? undefined : spec.type,
    management: spec.management ? true : undefined,
    bridge: spec.bridge,
    subnet: spec.subnet ?? (spec.prefixLength === DEFAULT_PREFIX_LENGTH ? undefined : `/${spec.prefixLength}`),
    gw: spec.gateway,
    ipv6: spec.ipv6 === 'auto' ? undefined : spec.ipv6 === 'none' ? false : `${spec.ipv6.prefix}/64`,
    dhcp: dhcp === undefined ? undefined : { start: dhcp.start, end: dhcp.end },
    dns_domain_name: spec.dnsDomain,
    dns_records: Object.keys(spec.dnsRecords).length === 0 ? undefined : spec.dnsRecords,
    dns_forwarders: spec.dnsForwarders.length === 0 ? undefined : spec.dnsForwarders.map(givenForwarder),
    mtu: spec.mtu === DEFAULT_MTU ? undefined : spec.mtu,
  })
  return { ...said, ...spec.raw }
}

function givenForwarder({ address, domain }: DnsForwarder): unknown {
  return domain === undefined ? address : { addr: address, domain }
}

function netSpec(given: Stored, name: string): NetSpec {
  const dhcp = mappingAt(given, 'dhcp')
  const subnet = optionalTextAt(given, 'subnet')
  const prefixLength = prefixLengthOf(subnet)
  if (prefixLength === undefined) throw wrong(given, 'subnet', 'a subnet')
  const hostAt = (key: string): number =>
    parseIpv4(String(dhcp.values[key])) === undefined
      ? wholeNumberAt(dhcp, key)
      : hostNumber(String(dhcp.values[key]), prefixLength)
  return {
    name,
    type: netTypeAt(given),
    bridge: netBridgeAt(given),
    management: flagAt(given, 'management', false),
    gateway: optionalTextAt(given, 'gw'),
    subnet: subnet?.startsWith('/') === true ? undefined : subnet,
    prefixLength,
    dhcp: has(given, 'dhcp') ? { start: hostAt('start'), end: hostAt('end') } : undefined,
    ipv6: ipv6Of(given.values['ipv6']),
    dnsDomain: optionalTextAt(given, 'dns_domain_name'),
    dnsRecords: Object.fromEntries(textMapAt(given, 'dns_records') ?? []),
    dnsForwarders: dnsForwardersOf(given.values['dns_forwarders']),
    mtu: wholeNumberAt(given, 'mtu', DEFAULT_MTU),
    raw: given.values,
  }
}

/** spec 3.9 */
const DEFAULT_MTU = 1500
