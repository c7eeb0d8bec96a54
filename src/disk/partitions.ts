/** The partition table of a disk: MBR with logical partitions, or GPT (UEFI specification 2.10, chapter 5). */
import type { Task } from '../base/task.js'
import { partOf, type BlockSource } from './block-source.js'

export interface Partition {
  /** As Linux counts: the 1 of `sda1`. */
  readonly number: number
  /** Where it begins on the disk. */
  readonly offsetBytes: number
  readonly source: BlockSource
}

const SECTOR = 512
const MBR_TABLE = 446
const MBR_ENTRY = 16
const EXTENDED_TYPES = [0x05, 0x0f, 0x85]
const GPT_PROTECTIVE = 0xee
const FIRST_LOGICAL = 5
/** More than any disk has; a table that was made to lead in circles ends there. */
const MAX_PARTITIONS = 128

/** Empty without a table. What lies beyond the end of the disk is cut off. */
export async function readPartitions(task: Task, disk: BlockSource): Promise<readonly Partition[]> {
  if (disk.sizeBytes < 2 * SECTOR) return []
  const mbr = mbrEntries(await disk.read(task, 0, SECTOR))
  if (mbr.some(({ type }) => type === GPT_PROTECTIVE)) return gptPartitions(task, disk)
  const partitions: Partition[] = []
  for (const [index, entry] of mbr.entries()) {
    if (EXTENDED_TYPES.includes(entry.type)) partitions.push(...(await logicalPartitions(task, disk, entry.start)))
    else if (entry.sectors > 0) partitions.push(partition(disk, index + 1, entry.start, entry.sectors))
  }
  return partitions
}

interface MbrEntry {
  readonly type: number
  readonly start: number
  readonly sectors: number
}

/** All four, used or not; none when the sector has no signature. */
function mbrEntries(sector: Buffer): readonly MbrEntry[] {
  if (sector.readUInt16LE(510) !== 0xaa55) return []
  return [0, 1, 2, 3].map((index) => {
    const at = MBR_TABLE + index * MBR_ENTRY
    return { type: sector[at + 4] ?? 0, start: sector.readUInt32LE(at + 8), sectors: sector.readUInt32LE(at + 12) }
  })
}

/** A chain: each link has a partition, placed from the link, and the next link, placed from the first. */
async function logicalPartitions(task: Task, disk: BlockSource, first: number): Promise<Partition[]> {
  const found: Partition[] = []
  let link: number | undefined = first
  for (let count = 0; link !== undefined && count < MAX_PARTITIONS; count++) {
    if ((link + 1) * SECTOR > disk.sizeBytes) break
    const [own, next] = mbrEntries(await disk.read(task, link * SECTOR, SECTOR))
    if (own === undefined || next === undefined) break
    if (own.sectors > 0) found.push(partition(disk, FIRST_LOGICAL + count, link + own.start, own.sectors))
    link = EXTENDED_TYPES.includes(next.type) ? first + next.start : undefined
  }
  return found
}

async function gptPartitions(task: Task, disk: BlockSource): Promise<Partition[]> {
  const header = await disk.read(task, SECTOR, SECTOR)
  if (header.toString('latin1', 0, 8) !== 'EFI PART') return []
  const table = Number(header.readBigUInt64LE(72)) * SECTOR
  const count = Math.min(header.readUInt32LE(80), MAX_PARTITIONS)
  const size = header.readUInt32LE(84)
  if (size < 128 || size > 4096 || table + count * size > disk.sizeBytes) return []
  const entries = await disk.read(task, table, count * size)
  return Array.from({ length: count }, (_, index) => {
    const entry = entries.subarray(index * size, (index + 1) * size)
    const first = Number(entry.readBigUInt64LE(32))
    const last = Number(entry.readBigUInt64LE(40))
    const isUsed = entry.subarray(0, 16).some((byte) => byte !== 0) && last >= first
    return isUsed ? partition(disk, index + 1, first, last - first + 1) : undefined
  }).filter((found) => found !== undefined)
}

function partition(disk: BlockSource, number: number, start: number, sectors: number): Partition {
  const offsetBytes = start * SECTOR
  return { number, offsetBytes, source: partOf(disk, offsetBytes, sectors * SECTOR) }
}
