/** The lists of packages that dnf and apt read, of a snapshot or of `stable/X.0`. */
import path from 'node:path'
import type { Task } from '../../src/base/task.js'
import { refreshAptIndex } from './apt-index.js'
import { namesIn } from './package-files.js'
import { refreshRepodata, type Refresh } from './repodata.js'
import type { SigningKey } from './sign.js'

export interface RefreshOptions {
  readonly key?: SigningKey | undefined
  /** Absolute: laid out as `dir`, which has no lists yet and will take its place for readers. */
  readonly beforeDir?: string | undefined
}

/**
 * Makes the lists of all `rpm/DIST` and of `deb` in `dir` (absolute) anew, signed when there is a `key`. Each is made beside
 * the old one and takes its place in one step; those who have read the beginning of the old one still find the rest. What
 * is right already stays as it is. The caller holds the lock of the tree.
 */
export async function refreshIndexes(task: Task, dir: string, { key, beforeDir }: RefreshOptions = {}): Promise<void> {
  const places = (await namesIn(path.join(dir, 'rpm'))).map((dist) => `rpm/${dist}`)
  const at = (place: string): Refresh => ({
    key,
    beforeDir: beforeDir === undefined ? undefined : path.join(beforeDir, place),
  })
  for (const place of places) await refreshRepodata(task, path.join(dir, place), at(place))
  if ((await namesIn(path.join(dir, 'deb'))).length > 0) await refreshAptIndex(task, path.join(dir, 'deb'), at('deb'))
}
