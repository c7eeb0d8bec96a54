/** One net as its file in a prefix (spec 2.4). */
import type { NetPlan } from '../plan/types.js'
import type { NetSpec } from '../spec/types.js'
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
  type JsonObject,
  type Stored,
} from './stored.js'

export function encodeNet(net: NetPlan): JsonObject {
  return cover(givenKeys(net.spec), {
    name: net.spec.name,
    type: net.spec.type,
    gw: net.gateway,
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
  if (spec.type === 'nat') textAt(stored, 'gw') // a NAT net cannot be without
  return {
    spec,
    libvirtName,
    bridgeName,
    isManagement: flagAt(stored, 'management', false),
    gateway,
    dnsDomain: optionalTextAt(stored, 'dns_domain_name'),
    mapping: textMapAt(stored, 'mapping') ?? new Map(),
    dnsRecords: textMapAt(stored, 'dns_records'),
    dnsForward: optionalTextAt(stored, 'dns_forward'),
  }
}

export function netTypeAt(stored: Stored): NetSpec['type'] {
  return choiceAt(stored, 'type', ['nat', 'bridge'], 'nat')
}

/** The user's keys; what they do not say, because the spec was not read from a file, is added. */
function givenKeys(spec: NetSpec): JsonObject {
  const { dhcp } = spec
  const said = definedOnly({
    type: spec.type === 'nat' ? undefined : spec.type,
    management: spec.management ? true : undefined,
    gw: spec.gateway,
    dhcp: dhcp === undefined ? undefined : { start: dhcp.start, end: dhcp.end },
    dns_domain_name: spec.dnsDomain,
    dns_records: Object.keys(spec.dnsRecords).length === 0 ? undefined : spec.dnsRecords,
    mtu: spec.mtu === DEFAULT_MTU ? undefined : spec.mtu,
  })
  return { ...said, ...spec.raw }
}

function netSpec(given: Stored, name: string): NetSpec {
  const dhcp = mappingAt(given, 'dhcp')
  return {
    name,
    type: netTypeAt(given),
    management: flagAt(given, 'management', false),
    gateway: optionalTextAt(given, 'gw'),
    dhcp: has(given, 'dhcp') ? { start: wholeNumberAt(dhcp, 'start'), end: wholeNumberAt(dhcp, 'end') } : undefined,
    dnsDomain: optionalTextAt(given, 'dns_domain_name'),
    dnsRecords: Object.fromEntries(textMapAt(given, 'dns_records') ?? []),
    mtu: wholeNumberAt(given, 'mtu', DEFAULT_MTU),
    raw: given.values,
  }
}

/** spec 3.9 */
const DEFAULT_MTU = 1500
