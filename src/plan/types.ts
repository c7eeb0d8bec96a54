/** What will exist: pure data, absolute paths, decided once by `planEnv` and never changed after it. */
import type { BootstrapStrategy, DiskSpec, DomainSpec, NetSpec } from '../spec/types.js'

export interface EnvPlan {
  /** 32 hex characters; part of every name that libvirt sees. */
  readonly uuid: string
  /** The directory of the environment. */
  readonly prefixDir: string
  readonly vms: ReadonlyMap<string, VmPlan>
  readonly nets: ReadonlyMap<string, NetPlan>
}

export interface VmPlan {
  readonly spec: DomainSpec
  readonly libvirtName: string
  readonly managementNet: string
  /** Undefined on a bridge, where addresses are not ours to give. */
  readonly managementIp: string | undefined
  readonly nics: readonly NicPlan[]
  readonly disks: readonly DiskPlan[]
  /** Undefined: another program has made the prefix, or it is not decided yet. */
  readonly bootstrap: BootstrapPlan | undefined
  /** What was found in the guest, kept so that it is looked for once. */
  readonly found: GuestFacts
  /** By name, oldest first. */
  readonly snapshots: ReadonlyMap<string, SnapshotPlan>
}

export interface GuestFacts {
  /** A name of the service manager registry: `systemd`, `sysvinit`, `systemdcontainer`. */
  readonly serviceManager?: string
  /** The service that runs the guest agent: `qemu-guest-agent`, `qemu-ga`. */
  readonly guestAgent?: string
}

/** A point in a VM's time that can be gone back to. */
export interface SnapshotPlan {
  readonly takenAtMs: number
  /**
   * `internal`: inside the qcow2 images of `disks`, under the snapshot's name. `external`: the images of `disks`
   * themselves, which nobody writes to any more.
   */
  readonly form: 'internal' | 'external'
  /** One for each disk of the VM that can be written to, in their order; `index` counts the VM's disks from 0. */
  readonly disks: readonly SnapshotDisk[]
  /** Undefined: the disks alone. */
  readonly memory: SnapshotMemory | undefined
}

export interface SnapshotDisk extends DiskBacking {
  readonly index: number
}

export interface SnapshotMemory {
  /** The machine as libvirt described it. */
  readonly domainXmlPath: string
  /** Undefined: the memory is inside the first image. */
  readonly filePath: string | undefined
}

export interface NicPlan {
  readonly net: string
  readonly ip: string | undefined
  readonly mac: string
  readonly mtu: number
  /** Not there for a link that nobody has degraded. */
  readonly link?: LinkConditions
}

/** What makes a link worse than it would be, on purpose. At least one of them is there. */
export interface LinkConditions {
  readonly isDown?: true
  /** Both ways, each; 8000 at least. */
  readonly rateBitsPerS?: number
  readonly delayUs?: number
  /** By how much the delay varies; not without a delay, and not above it. */
  readonly jitterUs?: number
  /** Of a million packets, so many are lost. */
  readonly lossPpm?: number
}

/** How a VM was told its name and its owner's key. */
export interface BootstrapPlan {
  readonly strategy: BootstrapStrategy
  /** A CD with what cloud-init reads; absolute. */
  readonly seedPath: string | undefined
  /** What is left to be done at the first start has been done, or there was nothing. */
  readonly isDone: boolean
}

export interface DiskPlan {
  readonly spec: DiskSpec
  readonly path: string
  readonly bus: 'virtio' | 'scsi' | 'ide'
  readonly device: 'disk' | 'cdrom'
  /** The file's own format, as qemu is told; an iso is `raw`. */
  readonly driver: 'qcow2' | 'raw'
  /** The spec's metadata merged with (and overridden by) the template's. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** What the disk is laid over; undefined for disks that stand alone. */
  readonly backing: DiskBacking | undefined
}

export interface DiskBacking {
  readonly path: string
  readonly format: 'raw' | 'qcow2'
  /** What lies below it, where that is known to us. */
  readonly backing?: DiskBacking | undefined
  /** Of the file when the disk was made, for files outside of the prefix. */
  readonly sizeBytes?: number
  readonly changedAtMs?: number
}

export interface NetPlan {
  readonly spec: NetSpec
  readonly libvirtName: string
  /** The device: the host's own where the init file names one, else ours to make and to remove. */
  readonly bridgeName: string
  readonly isManagement: boolean
  /** `10.20.0.0/20`; undefined on a bridge. */
  readonly subnet: string | undefined
  /** Undefined on a bridge. */
  readonly gateway: string | undefined
  readonly dnsDomain: string | undefined
  /** Name to address of the nics on this net, in the order of allocation. */
  readonly mapping: ReadonlyMap<string, string>
  /** Names that this net's server answers for; only on management nets. */
  readonly dnsRecords: ReadonlyMap<string, string> | undefined
  /** Address of the server that answers names for a net that is not management. */
  readonly dnsForward: string | undefined
}
