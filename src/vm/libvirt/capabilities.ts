/** What libvirt says this host can run, out of the XML of its capabilities. */
import { XMLParser } from 'fast-xml-parser'
import { LagoError } from '../../base/errors.js'

export interface Capabilities {
  /** libvirt's name of the guest architecture: `x86_64`, `aarch64`. */
  readonly arch: string
  readonly emulator: string | undefined
  /** In libvirt's order: the emulator's default comes first where it has one. */
  readonly machineTypes: readonly string[]
  /** `kvm`, `qemu` (emulation), `test`. */
  readonly domainTypes: readonly string[]
  /** Undefined: libvirt does not know the model. */
  readonly hostCpu: HostCpu | undefined
  /** Whom libvirt runs qemu as; undefined: as whoever runs libvirt. */
  readonly qemuUser: { readonly uid: number; readonly gid: number } | undefined
}

export interface HostCpu {
  readonly arch: string
  readonly model: string
  readonly vendor: string
  readonly features: ReadonlySet<string>
}

/**
 * `arch`: of the guests, default the host's own; fully virtualised guests only (`hvm`).
 * Throws `LAGO_NO_EMULATOR` when libvirt has none for it, listing those it has.
 */
export function readCapabilities(xml: string, arch?: string): Capabilities {
  const root = onlyChild(PARSER.parse(xml) as XmlNode, 'capabilities') // the shape that the options below give
  const hostCpu = onlyChild(onlyChild(root, 'host'), 'cpu')
  const wanted = arch ?? textOf(onlyChild(hostCpu, 'arch'))
  const guests = children(root, 'guest')
    .filter((guest) => textOf(onlyChild(guest, 'os_type')) === 'hvm')
    .map((guest) => onlyChild(guest, 'arch'))
  const guest = guests.find((found) => attribute(found, 'name') === wanted)
  if (guest === undefined) throw noEmulator(wanted, guests)
  return {
    arch: wanted,
    emulator: textOf(onlyChild(guest, 'emulator')) || undefined,
    machineTypes: children(guest, 'machine').map(textOf),
    domainTypes: children(guest, 'domain').map((domain) => attribute(domain, 'type')),
    hostCpu: readHostCpu(hostCpu),
    qemuUser: readQemuUser(onlyChild(root, 'host')),
  }
}

/** Whom libvirt says that qemu runs as, whatever it has emulators for. */
export function qemuUserIn(xml: string): Capabilities['qemuUser'] {
  const root = onlyChild(PARSER.parse(xml) as XmlNode, 'capabilities') // as above
  return readQemuUser(onlyChild(root, 'host'))
}

/** `<baselabel type='kvm'>+64055:+64055</baselabel>` of the security model `dac`: user and group by number. */
function readQemuUser(host: XmlNode): Capabilities['qemuUser'] {
  const dac = children(host, 'secmodel').find((model) => textOf(onlyChild(model, 'model')) === 'dac')
  const labels = dac === undefined ? [] : children(dac, 'baselabel')
  const label = labels.find((label) => ['kvm', 'qemu'].includes(attribute(label, 'type')))
  const [, uid, gid] = /^\+?([0-9]+):\+?([0-9]+)$/.exec(label === undefined ? '' : textOf(label)) ?? []
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

function readHostCpu(cpu: XmlNode): HostCpu | undefined {
  const [arch, model, vendor] = ['arch', 'model', 'vendor'].map((name) => textOf(onlyChild(cpu, name)))
  if (!arch || !model || !vendor) return undefined
  const features = children(cpu, 'feature').map((feature) => attribute(feature, 'name'))
  return { arch, model, vendor, features: new Set(features) }
}

function noEmulator(arch: string, guests: readonly XmlNode[]): LagoError {
  const known = [...new Set(guests.map((guest) => attribute(guest, 'name')))]
  const text = `libvirt has no emulator for ${arch || 'this host'}; it has: ${known.join(', ') || 'none'}`
  return new LagoError('LAGO_NO_EMULATOR', text, {
    hint: 'install qemu for this architecture (Debian: qemu-system-x86, qemu-system-arm; Fedora: qemu-kvm)',
    data: { arch, known },
  })
}

/** Every element is a list, every attribute has `@` before its name. */
interface XmlNode {
  readonly [name: string]: readonly XmlNode[] | string
}

const PARSER = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  alwaysCreateTextNode: true,
  parseTagValue: false,
  parseAttributeValue: false,
  isArray: (_name, _path, _isLeaf, isAttribute) => !isAttribute,
})

function children(node: XmlNode, name: string): readonly XmlNode[] {
  const found = node[name]
  return typeof found === 'object' ? found : []
}

/** The first; an empty one when there is none. */
function onlyChild(node: XmlNode, name: string): XmlNode {
  return children(node, name)[0] ?? {}
}

function attribute(node: XmlNode, name: string): string {
  return String(node[`@${name}`] ?? '')
}

function textOf(node: XmlNode): string {
  return String(node['#text'] ?? '').trim()
}
