/**
 * What is written into an image so that it starts as one machine of an environment: its name, its owner's key, its
 * network, its own identity (spec 6.1). Pure.
 */
import { LagoError } from '../../base/errors.js'
import { plainLine } from '../../base/plain-text.js'
import type { FileOperation } from '../../disk/ext4-write/operations.js'
import type { Identity } from '../types.js'
import type { Account } from './accounts.js'
import { planAuthorizedKeys } from './authorized-keys.js'
import { planCloudInitOff, planInitiatorName, planOwnIdentity } from './clone.js'
import { planHostKey, takesHostKey } from './host-key.js'
import { planHostName } from './host-name.js'
import { planNetwork } from './network.js'
import { planRootPassword } from './password.js'
import type { Snapshot } from './snapshot.js'

export interface InjectSecrets {
  /** As crypt(5) has it; undefined: the password stays as it is. Secret. */
  readonly rootPasswordHash: string | undefined
}

export interface InjectPlan {
  readonly operations: readonly FileOperation[]
  /** Whether `identity.hostKey` will be the key of the ssh server. */
  readonly setsHostKey: boolean
  /** What could not be arranged, for people. */
  readonly warnings: readonly string[]
}

/**
 * Operations in the order in which they are to be done. Without `identity.hostKey` the keys of the image stay.
 * Throws `LAGO_INJECT` when what is written would not be seen at the start.
 */
export function planInjection(snapshot: Snapshot, identity: Identity, secrets: InjectSecrets): InjectPlan {
  const users = usersOf(snapshot, identity)
  requireSeen(snapshot, ['/etc', ...users.map(({ homeDir }) => homeDir)])
  const password =
    secrets.rootPasswordHash === undefined ? undefined : planRootPassword(snapshot, secrets.rootPasswordHash)
  const setsHostKey = identity.hostKey !== undefined && takesHostKey(snapshot)
  const operations = [
    ...users.flatMap((user) => planAuthorizedKeys(snapshot, user, identity.sshPublicKey)),
    ...(password === undefined ? [] : [password]),
    ...planHostName(snapshot, identity),
    ...(identity.hostKey !== undefined && setsHostKey ? planHostKey(snapshot, identity.hostKey) : []),
    ...planNetwork(snapshot, identity.nics),
    ...planCloudInitOff(snapshot),
    ...planOwnIdentity(snapshot),
    ...planInitiatorName(snapshot, identity),
  ]
  const warnings = warningsOf(snapshot, identity)
  const lostPassword = secrets.rootPasswordHash !== undefined && password === undefined
  return { operations, setsHostKey, warnings: lostPassword ? [...warnings, LOST_PASSWORD] : warnings }
}

/** Root, and whoever else is logged in as. */
function usersOf({ root, sshUser }: Snapshot, { sshUser: name }: Identity): readonly Account[] {
  return sshUser === undefined || name === root.name ? [root] : [root, sshUser]
}

/** Another file system, mounted over what was written, would hide it. */
function requireSeen({ system }: Snapshot, dirs: readonly string[]): void {
  for (const dir of dirs) {
    const hiding = system.mountPoints.find((point) => dir === point || dir.startsWith(`${point}/`))
    if (hiding === undefined) continue
    throw new LagoError(
      'LAGO_INJECT',
      `${plainLine(dir)} of the image is not on its root file system: ${hiding} is mounted there`,
      {
        hint: 'choose another bootstrap for this template, such as guestfs',
        data: { dir, mountPoint: hiding },
      },
    )
  }
}

const LOST_PASSWORD = 'root has no line in /etc/shadow or /etc/passwd of the image, so its password is not set'

function warningsOf(snapshot: Snapshot, identity: Identity): readonly string[] {
  const { system, sshUser } = snapshot
  const warnings = [
    sshUser === undefined && `there is no user "${identity.sshUser}" in the image; only root gets the key`,
    system.sshServer === undefined && 'there is no ssh server in the image that is known',
    identity.hostKey !== undefined && system.sshServer !== undefined && !takesHostKey(snapshot) && OLD_SSHD,
    system.network === 'none' && system.init.kind !== 'busybox' && identity.nics.length > 0 && NO_NETWORK,
    system.seLinux === 'enforcing' && 'SELinux is enforcing in the image, and the new files have no labels',
  ]
  return warnings.filter((warning) => warning !== false)
}

const OLD_SSHD = 'the ssh server of the image is too old for an Ed25519 key; it makes keys of its own'
const NO_NETWORK = 'what configures the network of the image is not known, so nothing is written for it'
