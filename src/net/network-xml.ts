/**
 * A net as libvirt's network XML (spec 5.6). Pure; knows nothing of what runs.
 * Elements stand in the order in which libvirt itself writes them.
 */
import { createHash } from 'node:crypto'
import { formatIpv4, netmaskOf, parseSubnet, type Subnet } from '../base/ipv4.js'
import { element, renderXml, type XmlElement } from '../base/xml.js'
import { macOf } from '../plan/mac.js'
import { ownerMark } from '../plan/owner-mark.js'
import type { EnvPlan, NetPlan } from '../plan/types.js'
import type { NetType } from '../spec/types.js'

export interface NetworkXmlOptions {
  /** Spanning tree on the bridge; it holds a guest's first packets back for seconds. */
  readonly stp: boolean
  /** False leaves IPv6 out, for hosts whose kernel has none. */
  readonly ipv6: boolean
}

export function networkXml(net: NetPlan, env: EnvPlan, options: NetworkXmlOptions): string {
  const mark = ownerMark(env, { net: net.spec.name })
  const parts = net.spec.type === 'bridge' ? bridgeParts(net) : servedParts(net, env, options)
  return renderXml(element('network', {}, [element('name', {}, net.libvirtName), mark, ...parts]))
}

/** libvirt refuses an mtu for a bridge that is not its own. */
function bridgeParts(net: NetPlan): XmlElement[] {
  return [element('forward', { mode: 'bridge' }), element('bridge', { name: net.bridgeName })]
}

function servedParts(net: NetPlan, env: EnvPlan, { stp, ipv6 }: NetworkXmlOptions): (XmlElement | undefined)[] {
  const { mtu, type } = net.spec
  return [
    forwardOf(type),
    element('bridge', { name: net.bridgeName, stp: stp ? 'on' : 'off', delay: 0 }),
    mtu === 1500 ? undefined : element('mtu', { size: mtu }),
    net.isManagement ? element('domain', { name: net.dnsDomain, localOnly: 'yes' }) : undefined,
    dns(net, env, ipv6),
    ipv4Part(net),
    ipv6 ? ipv6Part(net) : undefined,
  ]
}

/** A network without the element is isolated. */
function forwardOf(type: NetType): XmlElement | undefined {
  if (type === 'routed') return element('forward', { mode: 'route' })
  if (type !== 'nat') return undefined
  return element('forward', { mode: 'nat' }, [element('nat', {}, [element('port', { start: 1024, end: 65535 })])])
}

/** Only management nets answer for names; the names of all nets, that is. */
function dns(net: NetPlan, env: EnvPlan, ipv6: boolean): XmlElement {
  if (net.dnsRecords === undefined) return element('dns', { enable: 'no' })
  const forwarders = net.spec.dnsForwarders.map(({ address, domain }) =>
    element('forwarder', { domain, addr: address }),
  )
  const hosts = namesByAddress(net.dnsRecords).flatMap(([ip, names]) => {
    const hostnames = names.map((name) => element('hostname', {}, name))
    const ip6 = ipv6 ? ipv6OfMachine(ip, env) : undefined
    return [ip, ...(ip6 === undefined ? [] : [ip6])].map((address) => element('host', { ip: address }, hostnames))
  })
  return element('dns', { forwardPlainNames: 'no' }, [...forwarders, ...hosts])
}

/** Undefined for an address that is none of the environment's. */
function ipv6OfMachine(ip: string, env: EnvPlan): string | undefined {
  const net = [...env.nets.values()].find(({ mapping }) => [...mapping.values()].includes(ip))
  const prefix = net === undefined ? undefined : ipv6PrefixOf(net)
  return prefix === undefined ? undefined : `${prefix}${ip}`
}

function ipv4Part(net: NetPlan): XmlElement {
  const { gateway, subnet } = servedOf(net)
  const hosts = dhcpHosts(net).map(({ ip, mac, name }) => element('host', { mac, name, ip }))
  const netmask = netmaskOf(subnet.length)
  return element('ip', { address: gateway, netmask }, [dhcp(net, hosts, subnet)])
}

/** Leased by the id that a client makes of its MAC (DUID-LL, RFC 8415, 11.4). */
function ipv6Part(net: NetPlan): XmlElement | undefined {
  const prefix = ipv6PrefixOf(net)
  if (prefix === undefined) return undefined
  const hosts = dhcpHosts(net).map(({ ip, mac, name }) => {
    return element('host', { id: `0:3:0:1:${mac}`, name, ip: `${prefix}${ip}` })
  })
  return element('ip', { family: 'ipv6', address: `${prefix}1`, prefix: 64 }, [dhcp(net, hosts, undefined)])
}

/** Without a range in the init file there is no DHCP server; dynamic addresses are given in IPv4 only. */
function dhcp(net: NetPlan, hosts: readonly XmlElement[], subnet: Subnet | undefined): XmlElement | undefined {
  const { dhcp: range } = net.spec
  if (range === undefined) return undefined
  const rangeElement =
    subnet === undefined
      ? undefined
      : element('range', {
          start: formatIpv4(subnet.network + range.start),
          end: formatIpv4(subnet.network + range.end),
        })
  return element('dhcp', {}, [rangeElement, ...hosts])
}

/** The names that the server hands out; libvirt refuses one that starts with a sign. */
function dhcpHosts(net: NetPlan): { ip: string; mac: string; name: string | undefined }[] {
  return namesByAddress(net.mapping).map(([ip, names]) => {
    return { ip, mac: macOf(ip), name: names.find((name) => /^[A-Za-z0-9]/.test(name)) }
  })
}

/** Every address once, in the order of the map, with its names sorted. */
function namesByAddress(addresses: ReadonlyMap<string, string>): [string, string[]][] {
  const names = new Map<string, string[]>()
  for (const [name, ip] of addresses) names.set(ip, [...(names.get(ip) ?? []), name])
  return [...names].map(([ip, unsorted]) => [ip, unsorted.sort()])
}

function servedOf(net: NetPlan): { readonly gateway: string; readonly subnet: Subnet } {
  const subnet = parseSubnet(net.subnet ?? '')
  if (net.gateway === undefined || subnet === undefined)
    throw new Error(`unreachable: net ${net.spec.name} has no subnet`)
  return { gateway: net.gateway, subnet }
}

/**
 * What the net's IPv6 addresses start with, up to the last 32 bits: `fd8f:1391:3a82:200::` for upstream's
 * 192.168.200.0/24 (spec 5.6); for other subnets a /48 made of theirs (RFC 4193). Undefined: the net has none.
 */
function ipv6PrefixOf(net: NetPlan): string | undefined {
  const { ipv6 } = net.spec
  if (ipv6 === 'none' || net.subnet === undefined) return undefined
  if (ipv6 !== 'auto') return ipv6.prefix
  const [, octet] = /^192\.168\.([0-9]+)\.0\/24$/.exec(net.subnet) ?? []
  if (octet !== undefined) return `fd8f:1391:3a82:${octet}::`
  const hash = createHash('sha256').update(net.subnet).digest('hex')
  return `fd${hash.slice(0, 2)}:${hash.slice(2, 6)}:${hash.slice(6, 10)}::`
}
