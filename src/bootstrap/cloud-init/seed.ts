/** A NoCloud seed: the CD from which cloud-init reads who its machine is. */
import { explainSystemError } from '../../base/errors.js'
import { writeFileAtomic } from '../../base/files.js'
import type { Task } from '../../base/task.js'
import { hashPassword } from '../password.js'
import type { Identity } from '../types.js'
import { isoImage } from './iso-image.js'
import { renderMetaData } from './meta-data.js'
import { renderNetworkConfig } from './network-config.js'
import { renderUserData, type UserData } from './user-data.js'

export interface SeedRequest {
  readonly identity: Identity
  /** The same at every start of this VM, another in every other environment. */
  readonly instanceId: string
  /** As in the init file. */
  readonly userData: UserData | undefined
}

/** By which cloud-init finds it. */
const LABEL = 'cidata'

/**
 * Writes the image to `seedPath`, in place of one that is there. It holds secrets: only its owner may read it.
 *
 * Throws `LAGO_USER_DATA`, `LAGO_PASSWORD`, `LAGO_COMMAND_MISSING` (openssl, for a password), `LAGO_NO_SPACE`,
 * `LAGO_PERMISSION`, `LAGO_FILE`; then the file is as it was.
 */
export async function writeSeed(task: Task, seedPath: string, request: SeedRequest): Promise<void> {
  const { identity, instanceId, userData } = request
  const { rootPassword } = identity
  const rootPasswordHash = rootPassword === undefined ? undefined : await hashPassword(task, rootPassword)
  const files = [
    { name: 'meta-data', content: renderMetaData(identity, instanceId) },
    { name: 'user-data', content: renderUserData({ identity, rootPasswordHash, userData }) },
    { name: 'network-config', content: renderNetworkConfig(identity.nics) },
  ]
  task.signal.throwIfAborted()
  // As the images beside it, it may be lost with the host.
  const options = { mode: 0o600, sync: false }
  await writeFileAtomic(seedPath, isoImage(files, { label: LABEL }), options).catch((error: unknown) => {
    throw explainSystemError(error)
  })
}
