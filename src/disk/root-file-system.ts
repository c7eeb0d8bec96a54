/** Which of a disk's file systems is the root of the system on it (spec 6.4). */
import type { Task } from '../base/task.js'
import type { BlockSource } from './block-source.js'
import { openExt4, type Ext4 } from './ext4/file-system.js'
import { findPath } from './ext4/paths.js'
import { readPartitions, type Partition } from './partitions.js'

/** A file system that fills a partition, or the whole disk. */
export interface Place {
  readonly offsetBytes: number
  readonly source: BlockSource
}

export interface Root extends Place {
  readonly fs: Ext4
}

/**
 * The partition that `wanted` names (`/dev/sda2`: the second), else the first ext file system that has an `/etc`; it may
 * fill the disk without a partition table. Undefined: there is none that can be read.
 */
export async function findRoot(task: Task, disk: BlockSource, wanted: string | undefined): Promise<Ext4 | undefined> {
  return (await locateRoot(task, disk, wanted))?.fs
}

/** As `findRoot`, with its place on the disk. */
export async function locateRoot(task: Task, disk: BlockSource, wanted: string | undefined): Promise<Root | undefined> {
  const partitions = await readPartitions(task, disk)
  for (const place of inOrder(disk, partitions, wanted)) {
    const fs = await openExt4(task, place.source)
    if (fs === undefined) continue
    if (place === named(partitions, wanted) || (await hasEtc(task, fs)))
      return { offsetBytes: place.offsetBytes, source: place.source, fs }
  }
  return undefined
}

/** Where `findRoot` looks, in its order. */
export async function placesOf(task: Task, disk: BlockSource, wanted: string | undefined): Promise<readonly Place[]> {
  return inOrder(disk, await readPartitions(task, disk), wanted)
}

function inOrder(disk: BlockSource, partitions: readonly Partition[], wanted: string | undefined): readonly Place[] {
  const first = named(partitions, wanted)
  const others = partitions.filter((partition) => partition !== first)
  return [...(first === undefined ? [] : [first]), ...others, { offsetBytes: 0, source: disk }]
}

function named(partitions: readonly Partition[], wanted: string | undefined): Place | undefined {
  const number = /\d+$/.exec(wanted ?? '')?.[0]
  return partitions.find((partition) => String(partition.number) === number)
}

async function hasEtc(task: Task, fs: Ext4): Promise<boolean> {
  return (await findPath(task, fs, '/etc'))?.type === 'directory'
}
