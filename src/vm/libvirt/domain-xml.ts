/**
 * A VM as libvirt's domain XML (spec 5.3). Pure; what the host can do comes in as facts, so no accelerator, machine
 * type or architecture is taken for granted. Elements stand in the order in which libvirt itself writes them.
 */
import { element, renderXml, type XmlElement } from '../../base/xml.js'
import type { DiskBacking, DiskPlan, EnvPlan, NicPlan, VmPlan } from '../../plan/types.js'
import { ownerMark } from '../../plan/owner-mark.js'
import { cpuElement, type CpuFacts } from './cpu.js'

export interface MachineFacts extends CpuFacts {
  /** libvirt's: `kvm`, `qemu` (emulation), `test`. */
  readonly domainType: string
  /** libvirt's name of the guest architecture: `x86_64`, `aarch64`. */
  readonly arch: string
  /** Undefined: libvirt's choice. */
  readonly emulator: string | undefined
  /** `pc`, `q35`, `virt`; undefined: libvirt's choice. */
  readonly machineType: string | undefined
  /** Network cards can be given an mtu: libvirt 3.1.1 and later. */
  readonly supportsMtu: boolean
  /** OEM strings of the SMBIOS tables, where guests look for credentials; only machines that have such tables get them. */
  readonly credentials: readonly string[]
  /** libvirt limits the rate of nics; otherwise that is done to the tap, when there is one. */
  readonly limitsRates: boolean
  /** Where the serial port's output is kept; absolute. */
  readonly consoleLogPath: string
}

/** Throws `LAGO_SPEC_INVALID` for a CPU that cannot be had. */
export function domainXml(vm: VmPlan, env: EnvPlan, machine: MachineFacts): string {
  const { spec } = vm
  const isX86 = X86_ARCHES.includes(machine.arch)
  const oemStrings = SMBIOS_ARCHES.includes(machine.arch) ? machine.credentials : []
  return renderXml(
    element('domain', { type: machine.domainType }, [
      element('name', {}, vm.libvirtName),
      ownerMark(env, { vm: spec.name }),
      element('memory', { unit: 'MiB' }, String(spec.memoryMiB)),
      element('vcpu', {}, String(spec.vcpus)),
      element('iothreads', {}, '1'),
      oemStrings.length > 0 ? sysinfo(oemStrings) : undefined,
      os(machine, oemStrings.length > 0),
      isX86 ? X86_FEATURES : undefined,
      cpuElement(spec, machine),
      clock(machine),
      isX86 ? POWER_MANAGEMENT : undefined,
      devices(vm, env, machine),
    ]),
  )
}

const X86_ARCHES: readonly string[] = ['x86_64', 'i686']
const SMBIOS_ARCHES: readonly string[] = ['x86_64', 'aarch64']

const X86_FEATURES = element('features', {}, [
  element('acpi'),
  element('apic'),
  element('pae'),
  element('vmport', { state: 'off' }),
])

const POWER_MANAGEMENT = element('pm', {}, [
  element('suspend-to-mem', { enabled: 'no' }),
  element('suspend-to-disk', { enabled: 'no' }),
])

function sysinfo(oemStrings: readonly string[]): XmlElement {
  const entries = oemStrings.map((text) => element('entry', {}, text))
  return element('sysinfo', { type: 'smbios' }, [element('oemStrings', {}, entries)])
}

/** Arm's virtual machine has no firmware of its own: without UEFI it does not boot from a disk. */
function os({ arch, machineType }: MachineFacts, hasSysinfo: boolean): XmlElement {
  return element('os', { firmware: arch === 'aarch64' ? 'efi' : undefined }, [
    element('type', { arch, machine: machineType }, 'hvm'),
    X86_ARCHES.includes(arch) ? element('bootmenu', { enable: 'no' }) : undefined,
    hasSysinfo ? element('smbios', { mode: 'sysinfo' }) : undefined,
  ])
}

function clock({ domainType }: MachineFacts): XmlElement {
  return element('clock', { offset: 'utc' }, [
    domainType === 'kvm' ? element('timer', { name: 'kvmclock' }) : undefined,
  ])
}

/** There is no video card: nothing could show its picture, and the guest is faster up without. */
function devices(vm: VmPlan, env: EnvPlan, machine: MachineFacts): XmlElement {
  return element('devices', {}, [
    machine.emulator === undefined ? undefined : element('emulator', {}, machine.emulator),
    ...vm.disks.map((disk, index) => diskElement(disk, index, machine)),
    ...seedElements(vm, machine),
    ...controllers(vm, machine),
    ...vm.nics.map((nic) => nicElement(nic, env, machine)),
    ...consoles(machine),
    GUEST_AGENT_CHANNEL,
    element('memballoon', { model: 'none' }),
    element('rng', { model: 'virtio' }, [element('backend', { model: 'random' }, '/dev/urandom')]),
  ])
}

/**
 * The first console is the serial port, which boot loaders and kernels speak to; `hvc0` is the second. The log is
 * appended to, because virtlogd would replace a file that can be read by one that only root can.
 */
function consoles({ consoleLogPath }: MachineFacts): XmlElement[] {
  return [
    element('serial', { type: 'pty' }, [
      element('log', { file: consoleLogPath, append: 'on' }),
      element('target', { port: 0 }),
    ]),
    element('console', { type: 'pty' }, [element('target', { type: 'serial', port: 0 })]),
    element('console', { type: 'pty' }, [element('target', { type: 'virtio', port: 1 })]),
  ]
}

const GUEST_AGENT_CHANNEL = element('channel', { type: 'unix' }, [
  element('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' }),
])

function diskElement(disk: DiskPlan, index: number, machine: MachineFacts): XmlElement {
  return element('disk', { type: 'file', device: disk.device }, [
    element('driver', driverAttributes(disk)),
    element('source', { file: disk.path }),
    backingStore(disk),
    element('target', { dev: disk.spec.dev, bus: busOf(disk, machine) }),
    element('serial', {}, String(index + 1)),
  ])
}

/**
 * A CD beside the disks, on the first name that none of them has. Kernels for clouds, such as Debian's, have no driver for
 * sata.
 */
function seedElements({ disks, bootstrap }: VmPlan, machine: MachineFacts): XmlElement[] {
  if (bootstrap?.seedPath === undefined) return []
  const taken = new Set(disks.map(({ spec }) => spec.dev))
  const bus = seedBus(machine)
  const dev = SEED_NAMES[bus].find((name) => !taken.has(name)) ?? SEED_NAMES[bus][0]
  return [
    element('disk', { type: 'file', device: 'cdrom' }, [
      element('driver', { name: 'qemu', type: 'raw' }),
      element('source', { file: bootstrap.seedPath }),
      element('target', { dev, bus }),
      element('readonly'),
    ]),
  ]
}

/** libvirt makes the place on the bus of the letter: ide has four, and virtio-scsi fifteen. */
const SEED_NAMES = { ide: ['hdd', 'hdc', 'hdb', 'hda'], scsi: ['sdo', 'sdn', 'sdm', 'sdl'] } as const

function seedBus(machine: MachineFacts): 'ide' | 'scsi' {
  return busOf({ bus: 'ide' }, machine) === 'ide' ? 'ide' : 'scsi'
}

/**
 * A template's image is everybody's: it can be read by all, and libvirt is told to leave its owner as it is. Other
 * chains are left to libvirt to look at.
 */
export function backingStore({ backing, spec }: DiskPlan): XmlElement | undefined {
  const isOnTemplate = spec.type === 'template' || spec.type === 'layered'
  return backing !== undefined && isOnTemplate && endOf(backing).format === 'raw' ? layer(backing) : undefined
}

function endOf(backing: DiskBacking): DiskBacking {
  return backing.backing === undefined ? backing : endOf(backing.backing)
}

function layer({ path, format, backing }: DiskBacking): XmlElement {
  const label = element('seclabel', { model: 'dac', relabel: 'no' })
  return element('backingStore', { type: 'file' }, [
    element('format', { type: format }),
    element('source', { file: path }, backing === undefined ? [label] : []),
    backing === undefined ? element('backingStore') : layer(backing),
  ])
}

function driverAttributes(disk: DiskPlan): XmlElement['attributes'] {
  const plain = { name: 'qemu', type: disk.driver }
  if (disk.device === 'cdrom') return plain
  const attributes = { ...plain, cache: cacheOf(disk), discard: 'unmap' }
  return disk.bus === 'virtio' ? { ...attributes, iothread: 1 } : attributes
}

/** Images of the prefix are thrown away with it and need not outlive the host's crash; a file of the user's must. */
function cacheOf({ spec }: DiskPlan): 'unsafe' | 'writeback' {
  return spec.type === 'file' && !spec.copy ? 'writeback' : 'unsafe'
}

/** Only the older machines of x86 have ide. */
function busOf({ bus }: Pick<DiskPlan, 'bus'>, { arch, machineType }: MachineFacts): string {
  if (bus !== 'ide') return bus
  if (!X86_ARCHES.includes(arch)) return 'scsi'
  return machineType?.includes('q35') ? 'sata' : 'ide'
}

function controllers(vm: VmPlan, machine: MachineFacts): XmlElement[] {
  const scsi = element('controller', { type: 'scsi', index: 0, model: 'virtio-scsi' }, [
    element('driver', { queues: vm.spec.vcpus, iothread: 1 }),
  ])
  const hasScsi =
    vm.disks.some((disk) => busOf(disk, machine) === 'scsi') ||
    (vm.bootstrap?.seedPath !== undefined && seedBus(machine) === 'scsi')
  return [
    ...(hasScsi ? [scsi] : []),
    ...(X86_ARCHES.includes(machine.arch) ? [element('controller', { type: 'usb', model: 'none' })] : []),
  ]
}

/** vhost is the kernel's and comes with KVM; elsewhere qemu moves the packets itself. */
function nicElement(nic: NicPlan, env: EnvPlan, machine: MachineFacts): XmlElement {
  const net = env.nets.get(nic.net)
  if (net === undefined) throw new Error(`unreachable: net ${nic.net} is not planned`)
  return element('interface', { type: 'network' }, [
    element('mac', { address: nic.mac }),
    element('source', { network: net.libvirtName }),
    bandwidth(nic, machine),
    element('model', { type: 'virtio' }),
    machine.domainType === 'kvm' ? element('driver', { name: 'vhost', queues: 2 }) : undefined,
    nic.link?.isDown ? element('link', { state: 'down' }) : undefined,
    machine.supportsMtu && nic.mtu !== 1500 ? element('mtu', { size: nic.mtu }) : undefined,
  ])
}

function bandwidth({ link }: NicPlan, { limitsRates }: MachineFacts): XmlElement | undefined {
  if (link?.rateBitsPerS === undefined || !limitsRates) return undefined
  const average = kilobytesPerS(link.rateBitsPerS)
  return element('bandwidth', {}, [element('inbound', { average }), element('outbound', { average })])
}

/** libvirt's unit, of 1000 bytes. */
export function kilobytesPerS(bitsPerS: number): number {
  return Math.max(1, Math.round(bitsPerS / 8000))
}
