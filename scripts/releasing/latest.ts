/** `unstable/X.0/latest`, the static address of the newest snapshot. */
import { rename, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError } from '../../src/base/errors.js'
import { temporaryPathFor } from '../../src/base/files.js'
import type { Task } from '../../src/base/task.js'
import { latestLink, majorOf } from './layout.js'
import { compareSnapshots, latestName, readSnapshot, type Snapshot } from './snapshot-info.js'
import type { SnapshotInfo } from './types.js'

/**
 * Has `latest` lead to the snapshot, unless it leads to a newer one: a pipeline that was run again, or that was slow, does not
 * set users back. A link that leads to nothing is replaced, and told. The caller holds the lock of the tree.
 */
export async function swingLatest(task: Task, treeDir: string, { name, dir, info }: Snapshot): Promise<void> {
  const major = majorOf(info.version)
  const link = latestLink(treeDir, major)
  const before = await latestName(treeDir, major)
  if (before === name) return
  if (before !== undefined) {
    const there = await infoOf(path.resolve(path.dirname(dir), before))
    if (there === undefined)
      task.log('warning', `${link} led to ${before}, which is no snapshot; it leads to ${name} now`)
    else if (compareSnapshots(there, info) > 0) {
      task.log('info', `latest stays at ${before}: ${there.version} of pipeline ${there.pipeline} is newer`)
      return
    }
  }
  const newLink = temporaryPathFor(link)
  try {
    await symlink(name, newLink)
    await rename(newLink, link)
  } finally {
    await rm(newLink, { force: true })
  }
}

async function infoOf(dir: string): Promise<SnapshotInfo | undefined> {
  return readSnapshot(dir).catch((error: unknown) => {
    if (isLagoError(error, 'LAGO_SNAPSHOT')) return undefined
    throw error
  })
}
