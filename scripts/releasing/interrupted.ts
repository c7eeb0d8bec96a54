/** Promotions that were ended before they were done: packages of theirs are in `stable/X.0`, and in no release. */
import type { Task } from '../../src/base/task.js'
import { stableDir } from './layout.js'
import { packageFilesIn } from './package-files.js'
import { readReleases } from './release-info.js'
import type { PackageFile, SnapshotInfo } from './types.js'

/** In `stable/X.0`, sorted by path; none: nothing was ended there. Throws `LAGO_RELEASE_TREE`. */
export async function packagesOfNoRelease(task: Task, treeDir: string, major: number): Promise<readonly PackageFile[]> {
  const dir = stableDir(treeDir, major)
  const { releases } = await readReleases(treeDir, major)
  const released = new Set(releases.flatMap(({ files }) => files.map((file) => file.path)))
  return packageFilesIn(task, dir, (file) => !released.has(file))
}

/** Whether they may have come from the snapshot: it has all of them, byte for byte. */
export function hasAll({ files }: Pick<SnapshotInfo, 'files'>, wanted: readonly PackageFile[]): boolean {
  return wanted.every((one) => files.some((file) => file.path === one.path && file.sha256 === one.sha256))
}
