/** `lago destroy`: stop, free the leases, delete the files, in that order, so that a failure loses nothing. */
import { lstat, readFile, realpath, rm, unlink } from 'node:fs/promises'
import type { Task } from '../base/task.js'
import { lockPrefix } from './claim.js'
import { isDescribed } from './files.js'
import type { Host } from './host.js'
import { prefixLayout, type PrefixLayout } from './layout.js'
import { openPrefix } from './prefix.js'
import { cleanupPrefix } from './stop.js'

const LOCK_WAIT_MS = 600_000

/**
 * Leaves nothing of the prefix, on disk or in libvirt. A path that is a link loses only the link (spec 2.1); what it
 * points to is stopped and stays. Throws what stopping throws, and then nothing has been deleted.
 */
export async function destroyPrefix(task: Task, host: Host, givenPath: string): Promise<void> {
  const layout = prefixLayout(await realpath(givenPath))
  await using _lock = await lockPrefix(task, layout.dir, LOCK_WAIT_MS)
  if (await isDescribed(layout)) await cleanupPrefix(task, host, await openPrefix(layout.dir))
  if ((await lstat(givenPath)).isSymbolicLink()) {
    await unlink(givenPath)
    return
  }
  await releaseSubnets(task, host, layout)
  await rm(layout.dir, { recursive: true, force: true })
}

/** An interrupted `init` may have left no uuid; then it had no lease either. */
async function releaseSubnets(task: Task, host: Host, layout: PrefixLayout): Promise<void> {
  const uuid = await readFile(layout.uuid, 'utf8').catch(() => undefined)
  if (uuid !== undefined) await host.leases.release(task, { uuidPath: layout.uuid, uuid: uuid.trim() })
}
