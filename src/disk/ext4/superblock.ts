/** The head of an ext2, ext3 or ext4 file system (Documentation/filesystems/ext4/globals.rst of Linux 6.1). */
import type { Task } from '../../base/task.js'
import type { BlockSource } from '../block-source.js'

export interface Superblock {
  readonly blockSize: number
  readonly blockCount: number
  readonly firstDataBlock: number
  readonly blocksPerGroup: number
  readonly inodeCount: number
  readonly inodesPerGroup: number
  readonly inodeSize: number
  readonly descriptorSize: number
  /** The first group of those whose descriptors are not behind the superblock; undefined: all are. */
  readonly firstMetaGroup: number | undefined
  readonly sparseSuper: boolean
  /** Undefined: what is in the file system's own blocks is all there is. */
  readonly journalInode: number | undefined
}

const PLACE = 1024
const MAGIC = 0xef53

const INCOMPAT_RECOVER = 0x4
const INCOMPAT_META_BG = 0x10
const INCOMPAT_64BIT = 0x80
/** filetype, recover, meta_bg, extents, 64bit, mmp, flex_bg, ea_inode, csum_seed, largedir, encrypt, casefold */
const INCOMPAT_KNOWN = 0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x10000 | 0x20000
const RO_COMPAT_SPARSE_SUPER = 0x1

/** Undefined for anything else, and for a file system with features that this reader does not know. */
export async function readSuperblock(task: Task, source: BlockSource): Promise<Superblock | undefined> {
  if (source.sizeBytes < 2 * PLACE) return undefined
  const raw = await source.read(task, PLACE, PLACE)
  if (raw.readUInt16LE(0x38) !== MAGIC) return undefined
  const incompat = raw.readUInt32LE(0x60)
  if ((incompat & ~INCOMPAT_KNOWN) !== 0) return undefined
  const is64Bit = (incompat & INCOMPAT_64BIT) !== 0
  const found: Superblock = {
    blockSize: PLACE * 2 ** Math.min(raw.readUInt32LE(0x18), 7),
    blockCount: raw.readUInt32LE(0x4) + (is64Bit ? raw.readUInt32LE(0x150) * 2 ** 32 : 0),
    firstDataBlock: raw.readUInt32LE(0x14),
    blocksPerGroup: raw.readUInt32LE(0x20),
    inodeCount: raw.readUInt32LE(0x0),
    inodesPerGroup: raw.readUInt32LE(0x28),
    inodeSize: raw.readUInt32LE(0x4c) === 0 ? 128 : raw.readUInt16LE(0x58),
    descriptorSize: is64Bit ? raw.readUInt16LE(0xfe) : 32,
    firstMetaGroup: (incompat & INCOMPAT_META_BG) !== 0 ? raw.readUInt32LE(0x104) : undefined,
    sparseSuper: (raw.readUInt32LE(0x64) & RO_COMPAT_SPARSE_SUPER) !== 0,
    journalInode: (incompat & INCOMPAT_RECOVER) !== 0 ? raw.readUInt32LE(0xe0) : undefined,
  }
  return isSound(found, raw.readUInt32LE(0x18)) ? found : undefined
}

function isSound(found: Superblock, logBlockSize: number): boolean {
  return (
    logBlockSize <= 6 &&
    found.blocksPerGroup > 0 &&
    found.inodesPerGroup > 0 &&
    found.inodeSize >= 128 &&
    isPowerOf(2, found.inodeSize) && // or an inode could lie across two blocks
    found.inodeSize <= found.blockSize &&
    found.descriptorSize >= 32 &&
    found.descriptorSize <= found.blockSize
  )
}

/** The block that holds the descriptor of `group`, and its place in it. */
export function descriptorPlace(fs: Superblock, group: number): { readonly block: number; readonly offset: number } {
  const perBlock = Math.floor(fs.blockSize / fs.descriptorSize)
  const index = Math.floor(group / perBlock)
  const offset = (group % perBlock) * fs.descriptorSize
  if (fs.firstMetaGroup === undefined || index < fs.firstMetaGroup)
    return { block: groupStart(fs, 0) + 1 + index, offset }
  const first = index * perBlock
  return { block: groupStart(fs, first) + (hasSuperblock(fs, first) ? 1 : 0), offset }
}

/** With clusters of several blocks of 1 KiB, the first group counts from block 0, and its superblock is in block 1. */
function groupStart(fs: Superblock, group: number): number {
  const start = fs.firstDataBlock + group * fs.blocksPerGroup
  return start === 0 && fs.blockSize === PLACE ? 1 : start
}

function hasSuperblock(fs: Superblock, group: number): boolean {
  if (!fs.sparseSuper || group <= 1) return true
  return [3, 5, 7].some((base) => isPowerOf(base, group))
}

function isPowerOf(base: number, value: number): boolean {
  let power = base
  while (power < value) power *= base
  return power === value
}
