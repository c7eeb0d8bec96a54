/** Deleting old snapshots. */
import { rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { entriesBelow } from '../../src/base/entries-below.js'
import type { Task } from '../../src/base/task.js'
import { hasAll, packagesOfNoRelease } from './interrupted.js'
import { readReleases } from './release-info.js'
import { latestName, snapshotsOf, type Snapshot } from './snapshot-info.js'
import { majorsIn, unfinishedPath, withTree } from './tree.js'

export interface PruneOptions {
  /** So many of each X.0 stay, the newest; at least 1. */
  readonly keep: number
  /** Younger ones stay as well; undefined: age does not matter. */
  readonly olderThanDays: number | undefined
  /** Also those from which `stable/X.0` was promoted last. */
  readonly promoted: boolean
  readonly nowMs: number
}

export interface Prunable extends Snapshot {
  /** That become free: of files that `stable` has as well, none. */
  readonly sizeBytes: number
}

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Oldest first of each X.0; never what `latest` leads to, nor what a promotion that was ended has to be finished with, nor what
 * does not say what it is.
 */
export async function planPrune(task: Task, treeDir: string, options: PruneOptions): Promise<readonly Prunable[]> {
  const prunable: Prunable[] = []
  for (const major of await majorsIn(treeDir, 'unstable')) {
    const [promoted] = (await readReleases(treeDir, major)).releases
    const stays = new Set([await latestName(treeDir, major), options.promoted ? undefined : promoted?.snapshot])
    const ended = await packagesOfNoRelease(task, treeDir, major)
    const old = (await snapshotsOf(task, treeDir, major))
      .slice(options.keep)
      .filter(({ name, info }) => !stays.has(name) && isOld(info.builtAt, options))
      .filter(({ info }) => ended.length === 0 || !hasAll(info, ended))
    for (const snapshot of old.reverse()) prunable.push({ ...snapshot, sizeBytes: await ownBytesBelow(snapshot.dir) })
  }
  return prunable
}

function isOld(builtAt: string, { olderThanDays, nowMs }: PruneOptions): boolean {
  return olderThanDays === undefined || nowMs - Date.parse(builtAt) > olderThanDays * DAY_MS
}

async function ownBytesBelow(dir: string): Promise<number> {
  let bytes = 0
  for (const entry of await entriesBelow(dir)) {
    if (!entry.isFile()) continue
    const { nlink, size } = await stat(path.join(entry.parentPath, entry.name))
    if (nlink === 1) bytes += size
  }
  return bytes
}

/**
 * Deletes those that were shown to whoever said yes, unless one has become the latest or a release meanwhile. Each is gone for
 * its readers at once, as a whole. Gives their directories. Throws `LAGO_LOCKED`.
 */
export async function pruneAsShown(
  task: Task,
  treeDir: string,
  { options, shown }: { readonly options: PruneOptions; readonly shown: readonly Prunable[] },
): Promise<readonly string[]> {
  return withTree(task, treeDir, async () => {
    const dirs = new Set(shown.map(({ dir }) => dir))
    const still = (await planPrune(task, treeDir, options)).map(({ dir }) => dir).filter((dir) => dirs.has(dir))
    for (const dir of still) {
      task.signal.throwIfAborted()
      await rename(dir, unfinishedPath(dir))
      await rm(unfinishedPath(dir), { recursive: true, force: true })
    }
    return still
  })
}
