/** From an image to a machine of this environment: what it is to know, and the ways to tell it (spec 6.1). */
import type { BackingFile } from '../disk/qemu-img.js'

export type { BootstrapStrategy } from '../spec/types.js'

/** What a machine is to know of itself and of its owner. */
export interface Identity {
  /** Name in the init file. */
  readonly vm: string
  readonly hostName: string
  /** `vm0.lago.local`; undefined without a domain. */
  readonly fqdn: string | undefined
  /** The user that Lago logs in as (`ssh-user`), whose `authorized_keys` get the key beside root's. */
  readonly sshUser: string
  /** OpenSSH one-line public key, without a line end. */
  readonly sshPublicKey: string
  /** Undefined: the root password stays as it is. Secret: it is in no log, error or list of arguments. */
  readonly rootPassword: string | undefined
  /** The ssh server's key, so that nobody has to be believed at the first contact; undefined: the guest makes its own. */
  readonly hostKey: HostKey | undefined
  /** In the order of the domain's nics, `eth0` first. */
  readonly nics: readonly IdentityNic[]
  /** As in the template's metadata or the init file: `el7`, `fc24`, `debian`. */
  readonly distro: string | undefined
}

/** Ed25519. */
export interface HostKey {
  /** In OpenSSH's own format, with its last line end. Secret. */
  readonly privateKey: string
  /** One line, without a line end: `ssh-ed25519 AAAA... comment`. */
  readonly publicKey: string
}

export interface IdentityNic {
  readonly mac: string
  /** Undefined on a bridge. */
  readonly ip: string | undefined
  readonly mtu: number
  /** The one whose default route counts. */
  readonly isManagement: boolean
}

/** The first disk of a VM that is down, and that nobody has open. */
export interface RootDisk {
  readonly path: string
  readonly format: BackingFile['format']
  /** `/dev/sda1` as the template's metadata says (`root-partition`). */
  readonly rootPartition: string | undefined
}
