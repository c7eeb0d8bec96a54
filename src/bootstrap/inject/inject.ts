/** Tells an image before its first start which machine it is, by writing into its root file system. */
import type { Task } from '../../base/task.js'
import { changeFiles } from '../../disk/ext4-write/change-files.js'
import type { Identity, RootDisk } from '../types.js'
import { planInjection, type InjectSecrets } from './plan.js'
import { readSnapshot } from './snapshot.js'

export interface InjectResult {
  /** Whether the ssh server will show `identity.hostKey`; otherwise it has the image's keys, or makes its own. */
  readonly hasHostKey: boolean
}

/** A hostile image may keep us reading for ever. */
const LOOK_TIMEOUT_MS = 30_000

/**
 * Does all of it or nothing. May be done again: what is there of an earlier time is replaced.
 * Throws `LAGO_INJECT` for an image where it would have no effect, and as `changeFiles` does.
 */
export async function injectIdentity(
  task: Task,
  disk: RootDisk,
  identity: Identity,
  secrets: InjectSecrets,
): Promise<InjectResult> {
  let hasHostKey = false
  await changeFiles(task, disk, async (task, fs) => {
    const snapshot = await task.within(LOOK_TIMEOUT_MS, `looking at the image ${disk.path}`, async (task) =>
      readSnapshot(task, fs, identity.sshUser),
    )
    const { operations, warnings, setsHostKey } = planInjection(snapshot, identity, secrets)
    for (const warning of warnings) task.log('warning', `${identity.vm}: ${warning}`)
    hasHostKey = setsHostKey
    return operations
  })
  return { hasHostKey }
}
