/**
 * Where things stand in a tree of releases (spec 8.6): the only file that knows their names. A tree has one sub-tree per
 * major version, so that nobody gets an incompatible one by accident; a snapshot and a stable sub-tree are laid out alike.
 *
 *     TREE/stable/X.0/{ChangeLog_X.0.txt,release.json,rpm/DIST,deb,sources,npm}
 *     TREE/unstable/X.0/snapshot-lago_X.0_pipeline_N/{ChangeLog,snapshot.json,rpm/DIST,deb,sources,npm}
 *     TREE/unstable/X.0/latest -> snapshot-lago_X.0_pipeline_N
 */
import path from 'node:path'

/** `2` of `2.1.7`. */
export function majorOf(version: string): number {
  return Number(version.split('.')[0])
}

export function stableDir(treeDir: string, major: number): string {
  return path.join(treeDir, 'stable', `${major}.0`)
}

export function unstableDir(treeDir: string, major: number): string {
  return path.join(treeDir, 'unstable', `${major}.0`)
}

export function snapshotName(major: number, pipeline: number): string {
  return `snapshot-lago_${major}.0_pipeline_${pipeline}`
}

export function latestLink(treeDir: string, major: number): string {
  return path.join(unstableDir(treeDir, major), 'latest')
}

/** What a snapshot tells of itself, in its directory. */
export const SNAPSHOT_INFO = 'snapshot.json'
/** What was promoted when, in `stable/X.0`. */
export const RELEASE_INFO = 'release.json'
/** The changelog of a snapshot, in its directory; promoted, it has the name of `stableChangelog`. */
export const CHANGELOG = 'ChangeLog'

export function stableChangelog(major: number): string {
  return `ChangeLog_${major}.0.txt`
}
