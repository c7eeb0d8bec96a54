/** What the shape of a VM's keys does not say: its nics against the nets, keys that exclude each other (spec 3.3, 3.5). */
import { sizeOf } from '../base/ipv4.js'
import { nearest } from '../base/nearest.js'
import { draftDisks, type DiskDraft } from './check-disks.js'
import type { NetDraft } from './check-nets.js'
import { describeValue, errorAt, listNames, mappingOf, warningAt, type Finding, type Path } from './findings.js'
import { managementNets } from './management.js'
import { checkHostName, checkName } from './names.js'
import { DEFAULT_PREFIX_LENGTH, hostNumber } from './net-values.js'
import type { MergedDomain } from './prototypes.js'
import { nicSchema } from './schema.js'

export interface DomainDraft extends MergedDomain {
  readonly nics: readonly NicDraft[]
  readonly disks: readonly DiskDraft[]
}

/** Undefined: not there, or not of its shape, which is told elsewhere. */
export interface NicDraft {
  readonly path: Path
  readonly net: string | undefined
  readonly ip: string | undefined
}

type Nets = ReadonlyMap<string, NetDraft>

export function draftDomain(domain: MergedDomain): DomainDraft {
  const { nics } = domain.raw
  const items: readonly unknown[] = Array.isArray(nics) ? nics : []
  return {
    ...domain,
    nics: items.map((nic, index) => draftNic([...domain.pathOf('nics'), index], nic)),
    disks: draftDisks(domain),
  }
}

function draftNic(path: Path, nic: unknown): NicDraft {
  const { net, ip } = mappingOf(nic)
  return {
    path,
    net: nicSchema.shape.net.safeParse(net).data,
    ip: nicSchema.shape.ip.safeParse(ip).data,
  }
}

export function checkDomain(domain: DomainDraft, nets: Nets): Finding[] {
  return [
    ...checkName(domain.name, domain.path),
    ...checkHostName(domain.name, domain.path),
    ...checkKeys(domain),
    ...domain.nics.flatMap((nic) => checkNic(nic, nets)),
    ...checkManagement(domain, nets),
  ]
}

function checkKeys({ raw, pathOf }: DomainDraft): Finding[] {
  const metadata = mappingOf(raw.metadata)
  const findings: (Finding | false)[] = [
    raw.cpu_model !== undefined &&
      raw.cpu_custom !== undefined &&
      errorAt(pathOf('cpu_custom'), 'Defining both cpu_model and cpu_custom is not supported', { at: 'key' }),
    raw.type === 'ova' &&
      raw.url === undefined &&
      errorAt(pathOf('url'), 'is missing; expected the URL of the archive', { at: 'key' }),
    !isForXml(raw.cpu_custom) && errorAt(pathOf('cpu_custom'), 'has a control character in it, which XML cannot carry'),
    raw.cpu !== undefined && warningAt(pathOf('cpu'), 'is an old key and ignored; use vcpu'),
    raw.service_class !== undefined &&
      warningAt(pathOf('service_class'), 'is an old key and ignored; use service_provider'),
    metadata['ovirt-scripts'] !== undefined &&
      warningAt([...pathOf('metadata'), 'ovirt-scripts'], 'is the old name of deploy-scripts; use that'),
  ]
  return findings.filter((finding) => finding !== false)
}

/** In names and in texts, at any depth: they become XML. */
function isForXml(value: unknown): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (typeof value === 'string') return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, item]) => isForXml(key) && isForXml(item))
}

function checkNic(nic: NicDraft, nets: Nets): Finding[] {
  if (nic.net === undefined) return []
  const net = nets.get(nic.net)
  if (net === undefined) return [unknownNet([...nic.path, 'net'], nic.net, [...nets.keys()])]
  if (nic.ip === undefined) return []
  const path = [...nic.path, 'ip']
  if (net.isBridge) return [errorAt(path, `${net.name} is a bridge, on which Lago gives no addresses`)]
  return checkStaticIp(path, nic.ip, net)
}

function unknownNet(path: Path, found: string, known: readonly string[]): Finding {
  return errorAt(path, `${describeValue(found)} is not a net of this file; nets: ${listNames(known)}`, {
    suggestion: nearest(found, known),
  })
}

/** Only what stands behind the prefix counts where a free subnet is chosen; the planner sees the rest (spec 3.5). */
function checkStaticIp(path: Path, ip: string, { name, gateway, prefixLength }: NetDraft): Finding[] {
  if (prefixLength === undefined) return []
  const [host, last] = [hostNumber(ip, prefixLength), sizeOf(prefixLength) - 2]
  if (host < 1 || host > last) return [errorAt(path, `${describeValue(ip)} does not end in 1 to ${last}`)]
  const ofGateway = gateway === undefined ? 1 : hostNumber(gateway, prefixLength)
  return host === ofGateway ? [errorAt(path, `${describeValue(ip)} is the address of the gateway of ${name}`)] : []
}

/** Only when all nics are clear: else what is counted would mislead. */
function checkManagement(domain: DomainDraft, nets: Nets): Finding[] {
  const used = domain.nics.map(({ net }) => net)
  const isClear = domain.raw.nics === undefined || Array.isArray(domain.raw.nics)
  if (!isClear || !used.every((net) => net !== undefined && nets.has(net))) return []
  const management = managementNets(nets)
  const own = [...new Set(used)].filter((net) => net !== undefined && management.has(net)).map(String)
  const vm = `VM ${listNames([domain.name])}`
  if (own.length === 0) {
    const message = `${vm} has no management network, please connect it to one of: ${listNames([...management])}`
    return [errorAt(domain.path, message, { at: 'key' })]
  }
  if (own.length === 1) return []
  const message = `${vm} has more than one management network: ${own.join(',')}. It should have exactly one`
  return [errorAt(domain.pathOf('nics'), message, { at: 'key' })]
}

/** A net whose subnet has fewer addresses than machines are on it: the gateway's is taken, too. */
export function checkRoom(domains: readonly DomainDraft[], nets: Nets): Finding[] {
  return [...nets.values()].flatMap(({ name, path, isBridge, prefixLength }) => {
    const wanted = domains.flatMap(({ nics }) => nics.filter((nic) => nic.net === name)).length
    const room = sizeOf(prefixLength ?? 0) - 3
    if (isBridge || wanted <= room) return []
    return [errorAt(path, `${wanted} nics are on this net, whose /${prefixLength} has room for ${room}`, { at: 'key' })]
  })
}

/** Two static addresses that would be one on the same net. */
export function checkDuplicateIps(domains: readonly DomainDraft[], nets: Nets): Finding[] {
  const owners = new Map<string, string>()
  return domains.flatMap(({ name, nics }) =>
    nics.flatMap(({ path, net, ip }) => {
      if (ip === undefined || net === undefined) return []
      const key = `${net} ${hostNumber(ip, nets.get(net)?.prefixLength ?? DEFAULT_PREFIX_LENGTH)}`
      const owner = owners.get(key)
      owners.set(key, name)
      if (owner === undefined) return []
      const message = `${describeValue(ip)} is given to ${listNames([owner])} on the net ${net} already`
      return [errorAt([...path, 'ip'], message)]
    }),
  )
}
