/** The `user-data` of a NoCloud seed: what cloud-init (18 and later) is to make of an image, and what the user adds. */
import type { HostKey, Identity } from '../types.js'
import { mergeCloudConfig, type CloudConfig } from './merge.js'
import { renderMultipart } from './multipart.js'
import { isCloudConfig, parseCloudConfig } from './user-text.js'
import { yamlText } from './yaml-text.js'

/**
 * `user-data` of the init file. A mapping, or a text that begins with `#cloud-config`, is merged into ours and has the
 * last word; any other text goes beside ours.
 */
export type UserData = CloudConfig | string

export interface UserDataRequest {
  readonly identity: Identity
  /** Of `identity.rootPassword`, in the form of crypt(3). */
  readonly rootPasswordHash: string | undefined
  readonly userData: UserData | undefined
}

/** Throws `LAGO_USER_DATA`. */
export function renderUserData({ identity, rootPasswordHash, userData = {} }: UserDataRequest): string {
  const ours = cloudConfigOf(identity, rootPasswordHash)
  if (typeof userData !== 'string') return document(mergeCloudConfig(ours, userData))
  if (isCloudConfig(userData)) return document(mergeCloudConfig(ours, parseCloudConfig(identity.vm, userData)))
  return renderMultipart([
    { type: 'text/plain', content: userData },
    // it may lead to a cloud-config as well: what comes later adds to it, and changes nothing
    { type: 'text/cloud-config', headers: { 'Merge-Type': ADDING }, content: document(ours) },
  ])
}

const ADDING = 'list(append)+dict(no_replace,recurse_list)+str()'

function document(config: CloudConfig): string {
  return `#cloud-config\n${yamlText(config)}`
}

function cloudConfigOf(identity: Identity, rootPasswordHash: string | undefined): CloudConfig {
  const { hostName, fqdn, sshUser, sshPublicKey, hostKey } = identity
  return {
    hostname: hostName,
    ...(fqdn === undefined ? {} : { fqdn }),
    prefer_fqdn_over_hostname: false,
    preserve_hostname: false,
    disable_root: false, // else root's key only says that one should log in as another
    ssh_authorized_keys: [sshPublicKey], // root's, and the image's own user's
    ...(sshUser === 'root' ? {} : { users: ['default', userOf(sshUser, sshPublicKey)] }),
    ...(hostKey === undefined ? {} : hostKeyConfig(hostKey)),
    ...(rootPasswordHash === undefined ? {} : passwordConfig(rootPasswordHash)),
    package_update: false,
    package_upgrade: false,
    growpart: { mode: 'auto', devices: ['/'] },
    resize_rootfs: true,
  }
}

/**
 * One who is there already keeps shell and home, but not a password: that is locked, since cloud-init from 24.3 on warns
 * of `lock_passwd: false` without one.
 */
function userOf(name: string, sshPublicKey: string): CloudConfig {
  return { name, shell: '/bin/bash', sudo: 'ALL=(ALL) NOPASSWD:ALL', ssh_authorized_keys: [sshPublicKey] }
}

/** The keys of the image go, and none is made: the given one is the only one. */
function hostKeyConfig({ privateKey, publicKey }: HostKey): CloudConfig {
  return { ssh_deletekeys: true, ssh_keys: { ed25519_private: privateKey, ed25519_public: publicKey } }
}

/** The form that versions before 22.3 know; those after it take it, too. */
function passwordConfig(hash: string): CloudConfig {
  return { ssh_pwauth: true, chpasswd: { expire: false, list: [`root:${hash}`] } }
}
