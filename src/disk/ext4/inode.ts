/** One inode: what a file is, and where its content lies. */
import type { Task } from '../../base/task.js'
import type { Blocks } from './blocks.js'
import { damaged } from './damaged.js'
import { descriptorPlace, type Superblock } from './superblock.js'

export interface Inode {
  readonly number: number
  readonly type: 'file' | 'directory' | 'symlink' | 'other'
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  /** Seconds since the epoch. */
  readonly mtimeS: number
  readonly usesExtents: boolean
  readonly isEncrypted: boolean
  /** Names in this directory are compared without regard to case. */
  readonly isCasefolded: boolean
  /** Extended attributes are in a block of their own, which other files may share. */
  readonly hasAttributeBlock: boolean
  /** 60 bytes: block numbers, extents, or a short link's target. */
  readonly blockArea: Buffer
}

const FLAG_EXTENTS = 0x80000
const FLAG_ENCRYPTED = 0x800
const FLAG_CASEFOLDED = 0x40000000

const TYPES: Readonly<Record<number, Inode['type']>> = { 0x8000: 'file', 0x4000: 'directory', 0xa000: 'symlink' }

/** Throws `LAGO_DISK_UNREADABLE` for a number that no inode has. */
export async function readInode(task: Task, blocks: Blocks, fs: Superblock, number: number): Promise<Inode> {
  if (number < 1 || number > fs.inodeCount) throw damaged(`there is no inode ${number}`)
  const group = Math.floor((number - 1) / fs.inodesPerGroup)
  const place = descriptorPlace(fs, group)
  const descriptor = (await blocks.read(task, place.block)).subarray(place.offset, place.offset + fs.descriptorSize)
  const table = descriptor.readUInt32LE(0x8) + (fs.descriptorSize >= 64 ? descriptor.readUInt32LE(0x28) * 2 ** 32 : 0)
  const byte = ((number - 1) % fs.inodesPerGroup) * fs.inodeSize
  const block = await blocks.read(task, table + Math.floor(byte / fs.blockSize))
  const start = byte % fs.blockSize
  return decode(number, block.subarray(start, start + fs.inodeSize))
}

function decode(number: number, raw: Buffer): Inode {
  const mode = raw.readUInt16LE(0x0)
  const flags = raw.readUInt32LE(0x20)
  return {
    number,
    type: TYPES[mode & 0xf000] ?? 'other',
    mode: mode & 0o7777,
    uid: raw.readUInt16LE(0x2) + raw.readUInt16LE(0x78) * 2 ** 16,
    gid: raw.readUInt16LE(0x18) + raw.readUInt16LE(0x7a) * 2 ** 16,
    sizeBytes: raw.readUInt32LE(0x4) + raw.readUInt32LE(0x6c) * 2 ** 32,
    mtimeS: raw.readInt32LE(0x10),
    usesExtents: (flags & FLAG_EXTENTS) !== 0,
    isEncrypted: (flags & FLAG_ENCRYPTED) !== 0,
    isCasefolded: (flags & FLAG_CASEFOLDED) !== 0,
    hasAttributeBlock: raw.readUInt32LE(0x68) !== 0 || raw.readUInt16LE(0x76) !== 0,
    blockArea: raw.subarray(0x28, 0x28 + 60),
  }
}
