/** From an image to a machine of this environment: what it is to know, and the ways to tell it (spec 6.1). */
import type { BackingFile } from '../disk/qemu-img.js'

/**
 * `cloud-init`: a NoCloud seed on a CD. `inject`: written into the ext4 root before the first start. `agent`: told by the
 * guest agent at the first start. `guestfs`: by virt-sysprep's appliance. `credentials`: systemd credentials in the
 * SMBIOS tables alone. `none`: nothing.
 */
export type BootstrapStrategy = 'cloud-init' | 'inject' | 'agent' | 'guestfs' | 'credentials' | 'none'

/** What a machine is to know of itself and of its owner. */
export interface Identity {
  /** Name in the init file. */
  readonly vm: string
  readonly hostName: string
  /** `vm0.lago.local`; undefined without a domain. */
  readonly fqdn: string | undefined
  /** Whose `authorized_keys` get the key: `root`, or the init file's `ssh-user` beside it. */
  readonly users: readonly string[]
  /** OpenSSH one-line public key. */
  readonly sshPublicKey: string
  /** Undefined: the root password stays as it is. Secret. */
  readonly rootPassword: string | undefined
  /** In the order of the domain's nics, `eth0` first. */
  readonly nics: readonly IdentityNic[]
  /** As in the template's metadata or the init file: `el7`, `fc24`, `debian`. */
  readonly distro: string | undefined
}

export interface IdentityNic {
  readonly mac: string | undefined
  readonly ip: string | undefined
  readonly mtu: number
  readonly isManagement: boolean
}

/** The first disk of a VM that is down, and that nobody has open. */
export interface RootDisk {
  readonly path: string
  readonly format: BackingFile['format']
  /** `/dev/sda1` as the template's metadata says (`root-partition`). */
  readonly rootPartition: string | undefined
}
