/**
 * A net as libvirt's network XML (spec 5.6). Pure; knows nothing of what runs.
 * Elements stand in the order in which libvirt itself writes them.
 */
import { element, renderXml, type XmlElement } from '../base/xml.js'
import { macOf } from '../plan/mac.js'
import { ownerMark } from '../plan/owner-mark.js'
import type { EnvPlan, NetPlan } from '../plan/types.js'

export interface NetworkXmlOptions {
  /** Spanning tree on the bridge; it holds a guest's first packets back for seconds. */
  readonly stp: boolean
  /** False leaves IPv6 out, for hosts whose kernel has none. */
  readonly ipv6: boolean
}

export function networkXml(net: NetPlan, env: EnvPlan, options: NetworkXmlOptions): string {
  const mark = ownerMark(env.uuid, { net: net.spec.name })
  const parts = net.spec.type === 'bridge' ? bridgeParts(net) : natParts(net, env, options)
  return renderXml(element('network', {}, [element('name', {}, net.libvirtName), mark, ...parts]))
}

/** libvirt refuses an mtu for a bridge that is not its own. */
function bridgeParts(net: NetPlan): XmlElement[] {
  return [element('forward', { mode: 'bridge' }), element('bridge', { name: net.bridgeName })]
}

function natParts(net: NetPlan, env: EnvPlan, { stp, ipv6 }: NetworkXmlOptions): (XmlElement | undefined)[] {
  const { mtu } = net.spec
  return [
    element('forward', { mode: 'nat' }, [element('nat', {}, [element('port', { start: 1024, end: 65535 })])]),
    element('bridge', { name: net.bridgeName, stp: stp ? 'on' : 'off', delay: 0 }),
    mtu === 1500 ? undefined : element('mtu', { size: mtu }),
    net.isManagement ? element('domain', { name: net.dnsDomain, localOnly: 'yes' }) : undefined,
    dns(net, env, ipv6),
    ipv4Part(net),
    ipv6 ? ipv6Part(net) : undefined,
  ]
}

/** Only management nets answer for names; the names of all nets, that is. */
function dns(net: NetPlan, env: EnvPlan, ipv6: boolean): XmlElement {
  if (net.dnsRecords === undefined) return element('dns', { enable: 'no' })
  const ours = new Set([...env.nets.values()].flatMap((other) => [...other.mapping.values()]))
  const hosts = namesByAddress(net.dnsRecords).flatMap(([ip, names]) => {
    const hostnames = names.map((name) => element('hostname', {}, name))
    const host4 = element('host', { ip }, hostnames)
    return ipv6 && ours.has(ip) ? [host4, element('host', { ip: ipv6Of(ip) }, hostnames)] : [host4]
  })
  return element('dns', { forwardPlainNames: 'no' }, hosts)
}

function ipv4Part(net: NetPlan): XmlElement {
  const gateway = gatewayOf(net)
  const hosts = dhcpHosts(net).map(({ ip, mac, name }) => element('host', { mac, name, ip }))
  return element('ip', { address: gateway, netmask: '255.255.255.0' }, [dhcp(net, hosts, subnetOf(gateway))])
}

/** Leased by the id that a client makes of its MAC (DUID-LL, RFC 8415, 11.4). */
function ipv6Part(net: NetPlan): XmlElement {
  const hosts = dhcpHosts(net).map(({ ip, mac, name }) => {
    return element('host', { id: `0:3:0:1:${mac}`, name, ip: ipv6Of(ip) })
  })
  const address = `${ipv6SubnetOf(gatewayOf(net))}::1`
  return element('ip', { family: 'ipv6', address, prefix: 64 }, [dhcp(net, hosts, undefined)])
}

/** Without a range in the init file there is no DHCP server; dynamic addresses are given in IPv4 only. */
function dhcp(net: NetPlan, hosts: readonly XmlElement[], subnet: string | undefined): XmlElement | undefined {
  const { dhcp: range } = net.spec
  if (range === undefined) return undefined
  const rangeElement =
    subnet === undefined
      ? undefined
      : element('range', { start: `${subnet}.${range.start}`, end: `${subnet}.${range.end}` })
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

function gatewayOf(net: NetPlan): string {
  if (net.gateway === undefined) throw new Error(`unreachable: net ${net.spec.name} has no gateway`)
  return net.gateway
}

function subnetOf(ip: string): string {
  return ip.split('.').slice(0, 3).join('.')
}

function ipv6Of(ip: string): string {
  return `${ipv6SubnetOf(ip)}::${ip}`
}

function ipv6SubnetOf(ip: string): string {
  return `fd8f:1391:3a82:${ip.split('.')[2] ?? ''}`
}
