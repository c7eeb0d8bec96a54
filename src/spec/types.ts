/** What the user wrote in the init file, after parsing, validation and prototypes. Read-only for everyone. */
export interface EnvSpec {
  /** In the order of the file, which is the order of address allocation. */
  readonly domains: ReadonlyMap<string, DomainSpec>
  readonly nets: ReadonlyMap<string, NetSpec>
}

export interface DomainSpec {
  readonly name: string
  readonly memoryMiB: number
  readonly vcpus: number
  readonly cpuModel: string | undefined
  /** libvirt's `<cpu>` in the form that xmltodict gives. */
  readonly cpuCustom: Readonly<Record<string, unknown>> | undefined
  readonly accel: 'auto' | 'kvm' | 'tcg' | undefined
  readonly vmType: string | undefined
  readonly provider: string | undefined
  readonly nics: readonly NicSpec[]
  readonly disks: readonly DiskSpec[]
  /** `type: ova`: memory, CPUs and the first disk are those of an archive. */
  readonly ova: RemoteFile | undefined
  readonly sshUser: string | undefined
  readonly sshPassword: string | undefined
  readonly rootPassword: string | undefined
  readonly distro: string | undefined
  /** How the guest is told its name and its owner's key; `none`: it is not. */
  readonly bootstrap: BootstrapWish
  /** For cloud-init, beside what Lago says: a mapping of its keys, or a text of any of its forms. */
  readonly userData: Readonly<Record<string, unknown>> | string | undefined
  /** Limit for the wait for ssh, from `boot_time_sec`. */
  readonly bootTimeoutMs: number
  readonly groups: readonly string[]
  readonly artifacts: readonly string[]
  /** Host paths as written, variables not yet expanded. */
  readonly deployScripts: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  /** The user's keys and values as given: stored in the prefix, where other programs read them (spec 2.3). */
  readonly raw: Readonly<Record<string, unknown>>
}

/**
 * `cloud-init`: a NoCloud seed on a CD. `inject`: written into the ext4 root before the first start. `agent`: told by the
 * guest agent at the first start. `guestfs`: by virt-sysprep's appliance. `credentials`: systemd credentials in the
 * SMBIOS tables alone. `none`: nothing.
 */
export const BOOTSTRAP_STRATEGIES = ['cloud-init', 'inject', 'agent', 'guestfs', 'credentials', 'none'] as const
export type BootstrapStrategy = (typeof BOOTSTRAP_STRATEGIES)[number]
export const BOOTSTRAP_WISHES = ['auto', 'cloud-init', 'inject', 'agent', 'guestfs', 'credentials', 'none'] as const
export type BootstrapWish = (typeof BOOTSTRAP_WISHES)[number]

export interface NicSpec {
  readonly net: string
  readonly ip: string | undefined
}

export interface DiskCommon {
  readonly name: string
  /** Target device: `vda` (virtio), `sda` (virtio-scsi), `hda` (ide). */
  readonly dev: string
  readonly metadata: Readonly<Record<string, unknown>>
  /** Options of virt-customize, a mapping for each step. */
  readonly build: readonly Readonly<Record<string, unknown>>[]
  /** As given, see `DomainSpec.raw`. */
  readonly raw: Readonly<Record<string, unknown>>
}

export type DiskSpec = DiskCommon &
  (
    | {
        readonly type: 'template'
        readonly format: 'qcow2'
        readonly template: string
        /** Undefined: the version with the latest timestamp. */
        readonly version: string | undefined
        readonly sizeBytes: number | undefined
      }
    /** `template_type: qcow2`: an overlay on a qcow2 file of the user's. Path as written. */
    | {
        readonly type: 'layered'
        readonly format: 'qcow2'
        readonly rawPath: string
        readonly sizeBytes: number | undefined
      }
    | { readonly type: 'empty'; readonly format: 'qcow2' | 'raw'; readonly sizeBytes: number }
    | {
        readonly type: 'file'
        readonly format: 'qcow2' | 'raw' | 'iso'
        /** As written; undefined: from `url`, into the prefix. */
        readonly rawPath: string | undefined
        readonly remote: RemoteFile | undefined
        readonly copy: boolean
      }
  )

/** A file that is fetched. */
export interface RemoteFile {
  /** As written, variables not yet expanded. */
  readonly rawUrl: string
  /** `sha256:HEX`, or the path or URL of a file with sums; undefined: nothing is compared. */
  readonly checksum: string | undefined
}

/**
 * `nat`: out through the host's address. `isolated`: the machines and the host, nobody else. `routed`: out with their own
 * addresses, which others must know the way to. `bridge`: on a bridge of the host, where addresses are not ours to give.
 */
export const NET_TYPES = ['nat', 'isolated', 'routed', 'bridge'] as const
export type NetType = (typeof NET_TYPES)[number]

export interface NetSpec {
  readonly name: string
  readonly type: NetType
  /** Of this host, used as it is; undefined: one is made, where the type is `bridge`. */
  readonly bridge: string | undefined
  /** As written; which net becomes management when none is marked is the planner's business. */
  readonly management: boolean
  readonly gateway: string | undefined
  /** `10.20.0.0/20`; undefined: a free one is chosen, or the one around the gateway. */
  readonly subnet: string | undefined
  /** Bits of the subnet's prefix. */
  readonly prefixLength: number
  /** The dynamic range, inclusive, counted from the subnet's address: in a /24 the last octets. */
  readonly dhcp: { readonly start: number; readonly end: number } | undefined
  /** `auto`: upstream's layout, or one made of the subnet; else a /64 as `fd00:1:2:3::`. */
  readonly ipv6: { readonly prefix: string } | 'auto' | 'none'
  readonly dnsDomain: string | undefined
  /** Who is asked for names that the net's server does not know; empty: the host's own servers. */
  readonly dnsForwarders: readonly DnsForwarder[]
  readonly dnsRecords: Readonly<Record<string, string>>
  readonly mtu: number
  readonly raw: Readonly<Record<string, unknown>>
}

export interface DnsForwarder {
  readonly address: string
  /** Only for names below it; undefined: all. */
  readonly domain: string | undefined
}

/** One finding about the init file. `line` and `column` count from 1; 0 when the place is not known. */
export interface SpecIssue {
  readonly severity: 'error' | 'warning'
  /** `domains.vm0.nics[1].net`; empty for the file as a whole. */
  readonly path: string
  readonly line: number
  readonly column: number
  /** What was found and what is allowed, in one line. */
  readonly message: string
  /** A did-you-mean, where a name is near. */
  readonly suggestion: string | undefined
}
