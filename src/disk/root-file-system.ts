/** Which of a disk's file systems is the root of the system on it (spec 6.4). */
import type { Task } from '../base/task.js'
import type { BlockSource } from './block-source.js'
import { openExt4, type Ext4 } from './ext4/file-system.js'
import { findPath } from './ext4/paths.js'
import { readPartitions, type Partition } from './partitions.js'

/**
 * The partition that `wanted` names (`/dev/sda2`: the second), else the first ext file system that has an `/etc`; it may
 * fill the disk without a partition table. Undefined: there is none that can be read.
 */
export async function findRoot(task: Task, disk: BlockSource, wanted: string | undefined): Promise<Ext4 | undefined> {
  const partitions = await readPartitions(task, disk)
  for (const source of inOrder(disk, partitions, wanted)) {
    const fs = await openExt4(task, source)
    if (fs === undefined) continue
    if (source === named(partitions, wanted) || (await hasEtc(task, fs))) return fs
  }
  return undefined
}

function inOrder(
  disk: BlockSource,
  partitions: readonly Partition[],
  wanted: string | undefined,
): readonly BlockSource[] {
  const first = named(partitions, wanted)
  const others = partitions.map(({ source }) => source).filter((source) => source !== first)
  return [...(first === undefined ? [] : [first]), ...others, disk]
}

function named(partitions: readonly Partition[], wanted: string | undefined): BlockSource | undefined {
  const number = /\d+$/.exec(wanted ?? '')?.[0]
  return partitions.find((partition) => String(partition.number) === number)?.source
}

async function hasEtc(task: Task, fs: Ext4): Promise<boolean> {
  return (await findPath(task, fs, '/etc'))?.type === 'directory'
}
