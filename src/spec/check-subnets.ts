/** What a net's addresses have to do with each other: subnet, gateway, dynamic range, IPv6; and nets among themselves. */
import {
  containsAddress,
  formatSubnet,
  isPrivate,
  lastOf,
  overlaps,
  parseIpv4,
  PRIVATE_SUBNETS,
  sizeOf,
  subnetAround,
  type Subnet,
} from '../base/ipv4.js'
import type { NetDraft } from './check-nets.js'
import { describeValue, errorAt, listNames, type Finding } from './findings.js'
import { hostNumber, MAX_PREFIX_LENGTH, MIN_PREFIX_LENGTH } from './net-values.js'

/** On a bridge the keys have no meaning: upstream passes over them. */
export function checkSubnet(net: NetDraft): Finding[] {
  if (net.isBridge) return []
  const { path, subnetText, prefixLength } = net
  if (prefixLength === undefined) return [errorAt([...path, 'subnet'], wrongSubnet(subnetText ?? ''))]
  return [...checkNamed(net), ...checkGateway(net), ...checkDhcp(net, prefixLength)]
}

function wrongSubnet(text: string): string {
  const [address = '', digits] = text.split('/')
  const [parsed, length] = [parseIpv4(address), Number(digits)]
  if (length < MIN_PREFIX_LENGTH || length > MAX_PREFIX_LENGTH)
    return `${describeValue(text)}: the length of a prefix is ${MIN_PREFIX_LENGTH} to ${MAX_PREFIX_LENGTH}`
  if (parsed === undefined) return `${describeValue(text)} is not a subnet`
  return `${describeValue(text)} is an address in the subnet ${formatSubnet(subnetAround(parsed, length))}; write that`
}

function checkNamed({ path, subnet, subnetText }: NetDraft): Finding[] {
  if (subnet === undefined || isPrivate(subnet)) return []
  const key = subnetText === undefined || subnetText.startsWith('/') ? 'gw' : 'subnet'
  const allowed = PRIVATE_SUBNETS.map(formatSubnet).join(', ')
  return [errorAt([...path, key], `${formatSubnet(subnet)} is not private; what is: ${allowed}`)]
}

function checkGateway({ path, gateway, subnet }: NetDraft): Finding[] {
  const address = gateway === undefined ? undefined : parseIpv4(gateway)
  if (address === undefined || subnet === undefined) return []
  const isHost = containsAddress(subnet, address) && address !== subnet.network && address !== lastOf(subnet)
  if (isHost) return []
  return [errorAt([...path, 'gw'], `${describeValue(gateway)} is not a host address within ${formatSubnet(subnet)}`)]
}

function checkDhcp({ path, dhcp, subnet }: NetDraft, prefixLength: number): Finding[] {
  if (dhcp === undefined) return []
  const last = sizeOf(prefixLength) - 2
  const wrong = (['start', 'end'] as const).filter((key) => {
    const address = parseIpv4(String(dhcp[key]))
    const isElsewhere = address !== undefined && subnet !== undefined && !containsAddress(subnet, address)
    const host = hostNumber(dhcp[key], prefixLength)
    return isElsewhere || host < 1 || host > last
  })
  if (wrong.length > 0) {
    const allowed = `1 to ${last}${subnet === undefined ? '' : `, or within ${formatSubnet(subnet)}`}`
    return wrong.map((key) =>
      errorAt([...path, 'dhcp', key], `${describeValue(dhcp[key])} is no address of the subnet: ${allowed}`),
    )
  }
  if (hostNumber(dhcp.start, prefixLength) <= hostNumber(dhcp.end, prefixLength)) return []
  return [errorAt([...path, 'dhcp'], `the range starts at ${dhcp.start}, behind its end ${dhcp.end}`)]
}

/** Nets of one file that would have the same addresses. */
export function checkOverlaps(nets: ReadonlyMap<string, NetDraft>): Finding[] {
  const seen: NetDraft[] = []
  return [...nets.values()].flatMap((net) => {
    const { path, subnet, subnetText, ipv6Prefix } = net
    if (net.isBridge) return []
    const same = seen.find(
      (other) => subnet !== undefined && other.subnet !== undefined && overlaps(other.subnet, subnet),
    )
    const same6 = seen.find((other) => ipv6Prefix !== undefined && other.ipv6Prefix === ipv6Prefix)
    seen.push(net)
    const key = subnetText === undefined || subnetText.startsWith('/') ? 'gw' : 'subnet'
    return [
      ...(same?.subnet === undefined || subnet === undefined
        ? []
        : [errorAt([...path, key], clash(subnet, same.subnet, same.name))]),
      ...(same6 === undefined
        ? []
        : [errorAt([...path, 'ipv6'], `that is the prefix of the net ${listNames([same6.name])} already`)]),
    ]
  })
}

function clash(subnet: Subnet, other: Subnet, name: string): string {
  const [cidr, theirs] = [formatSubnet(subnet), formatSubnet(other)]
  if (cidr === theirs) return `the subnet ${cidr} is that of the net ${listNames([name])} already`
  return `the subnet ${cidr} overlaps ${theirs}, that of the net ${listNames([name])}`
}
