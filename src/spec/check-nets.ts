/** What the shape of a net's keys does not say: ranges, subnets, DNS (spec 3.9). */
import { describeValue, errorAt, listNames, mappingOf, type Finding, type Path, type PlainMapping } from './findings.js'
import { managementNets } from './management.js'
import { checkName, isHostName } from './names.js'
import { flagOf, netSchema, type NetInput } from './schema.js'

/** A net as far as it is understood: a key that has the wrong shape is told elsewhere, and undefined here. */
export interface NetDraft {
  readonly name: string
  readonly path: Path
  readonly raw: PlainMapping
  readonly isBridge: boolean
  readonly management: boolean
  readonly gateway: string | undefined
  readonly dhcp: NetInput['dhcp']
}

export function draftNets(nets: PlainMapping): Map<string, NetDraft> {
  return new Map(Object.entries(nets).map(([name, net]) => [name, draftNet(name, mappingOf(net))]))
}

function draftNet(name: string, raw: PlainMapping): NetDraft {
  const { gw, dhcp } = netSchema.shape
  return {
    name,
    path: ['nets', name],
    raw,
    isBridge: raw.type === 'bridge',
    management: flagOf(raw.management),
    gateway: gw.safeParse(raw.gw).data,
    dhcp: dhcp.safeParse(raw.dhcp).data,
  }
}

export function checkNets(nets: ReadonlyMap<string, NetDraft>): Finding[] {
  if (nets.size === 0) return [errorAt(['nets'], 'No networks configured', { at: 'key' })]
  const own = [...nets.values()].flatMap((net) => [
    ...checkName(net.name, net.path),
    ...checkDhcp(net),
    ...checkGateway(net),
    ...checkDns(net),
  ])
  return [...own, ...checkSubnets(nets), ...checkDnsAttributes(nets)]
}

function checkDhcp({ path, dhcp }: NetDraft): Finding[] {
  if (dhcp === undefined || Number(dhcp.start) <= Number(dhcp.end)) return []
  return [errorAt([...path, 'dhcp'], `the range starts at ${dhcp.start}, behind its end ${dhcp.end}`)]
}

/** Gateways live in the subnets that are leased: spec 3.9, since 0.39. On a bridge the key has no meaning. */
function checkGateway({ path, gateway, isBridge }: NetDraft): Finding[] {
  if (gateway === undefined || isBridge) return []
  const [first, second, third, last] = octetsOf(gateway)
  if (first === 192 && second === 168 && third >= 200 && last >= 1 && last <= 254) return []
  const allowed = 'a host address within 192.168.200.0 to 192.168.255.255'
  return [errorAt([...path, 'gw'], `${describeValue(gateway)} is not ${allowed}`)]
}

function checkDns({ path, raw }: NetDraft): Finding[] {
  const domain = raw.dns_domain_name
  const wrongDomain = typeof domain === 'string' && !isHostName(domain)
  // names in DNS may have underscores (RFC 2181)
  const wrongNames = Object.keys(mappingOf(raw.dns_records)).filter((name) => !isHostName(name.replaceAll('_', 'x')))
  return [
    ...(wrongDomain ? [errorAt([...path, 'dns_domain_name'], `${describeValue(domain)} is not a DNS domain`)] : []),
    ...wrongNames.map((name) =>
      errorAt([...path, 'dns_records', name], `${describeValue(name)} is not a host name`, { at: 'key' }),
    ),
  ]
}

function checkSubnets(nets: ReadonlyMap<string, NetDraft>): Finding[] {
  const owners = new Map<string, string>()
  return [...nets.values()].flatMap(({ name, path, gateway, isBridge }) => {
    if (gateway === undefined || isBridge) return []
    const subnet = gateway.replace(/\.[0-9]+$/, '.0/24')
    const owner = owners.get(subnet)
    owners.set(subnet, name)
    if (owner === undefined) return []
    return [errorAt([...path, 'gw'], `the subnet ${subnet} is that of the net ${listNames([owner])} already`)]
  })
}

const DNS_ATTRIBUTES = ['dns_domain_name', 'dns_records', 'main_dns'] as const

function checkDnsAttributes(nets: ReadonlyMap<string, NetDraft>): Finding[] {
  const management = managementNets(nets)
  return [...nets.values()]
    .filter(({ name }) => !management.has(name))
    .flatMap(({ path, raw }) => DNS_ATTRIBUTES.filter((key) => Object.hasOwn(raw, key)).map((key) => [...path, key]))
    .map((path) =>
      errorAt(path, 'DNS is supported only in management networks, and this net is not marked as one', { at: 'key' }),
    )
}

export function octetsOf(ip: string): readonly [number, number, number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = ip.split('.').map(Number)
  return [a, b, c, d]
}
