/**
 * Whether an ext2, ext3 or ext4 file system may be written to past its journal, as debugfs does: it has to be as its
 * last unmount left it, and to have nothing in it that debugfs (e2fsprogs 1.47) would not keep in order.
 */
import type { Task } from '../../base/task.js'
import type { BlockSource } from '../block-source.js'

const PLACE = 1024
const MAGIC = 0xef53

const STATE_VALID = 0x1
const STATE_ERRORS = 0x2

interface Feature {
  readonly name: string
  readonly bit: number
}

/** Bits of features (ext2_fs.h, e2fsprogs 1.47.0) with which every operation was followed by a clean `e2fsck -fn`. */
const KNOWN = {
  // has_journal, ext_attr, resize_inode, dir_index, sparse_super2, fast_commit, stable_inodes, orphan_file
  compat: 0x4 | 0x8 | 0x10 | 0x20 | 0x200 | 0x400 | 0x800 | 0x1000,
  // filetype, recover (judged as a state), meta_bg, extents, 64bit, flex_bg, csum_seed, largedir, encrypt, casefold
  incompat: 0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x200 | 0x2000 | 0x4000 | 0x10000 | 0x20000,
  // sparse_super, large_file, huge_file, uninit_bg, dir_nlink, extra_isize, bigalloc, metadata_csum, verity, orphan_present
  roCompat: 0x1 | 0x2 | 0x8 | 0x10 | 0x20 | 0x40 | 0x200 | 0x400 | 0x8000 | 0x10000,
}

const RECOVER = 0x4
const ORPHAN_PRESENT = 0x10000

/** Those that an image may really have; with `quota`, debugfs leaves the usage as it was. */
const NAMES = {
  compat: [],
  incompat: [
    { name: 'journal_dev', bit: 0x8 },
    { name: 'mmp', bit: 0x100 },
    { name: 'ea_inode', bit: 0x400 },
    { name: 'inline_data', bit: 0x8000 },
  ],
  roCompat: [
    { name: 'quota', bit: 0x100 },
    { name: 'read-only', bit: 0x1000 },
    { name: 'project', bit: 0x2000 },
    { name: 'shared_blocks', bit: 0x4000 },
  ],
} as const satisfies Record<keyof typeof KNOWN, readonly Feature[]>

/** One line, like `its journal is to be replayed`; undefined: it may be written to. `source` holds an ext file system. */
export async function whyNotWritable(task: Task, source: BlockSource): Promise<string | undefined> {
  if (source.sizeBytes < 2 * PLACE) return 'it has no superblock'
  const raw = await source.read(task, PLACE, PLACE)
  if (raw.readUInt16LE(0x38) !== MAGIC) return 'it has no superblock'
  const features = {
    compat: raw.readUInt32LE(0x5c),
    incompat: raw.readUInt32LE(0x60),
    roCompat: raw.readUInt32LE(0x64),
  }
  return whyUnclean(raw, features) ?? unknownFeature(features) ?? whyTooLarge(raw, source.sizeBytes)
}

type Features = Readonly<Record<keyof typeof KNOWN, number>>

function whyUnclean(raw: Buffer, { incompat, roCompat }: Features): string | undefined {
  const state = raw.readUInt16LE(0x3a)
  if ((incompat & RECOVER) !== 0) return 'its journal is to be replayed'
  if ((state & STATE_ERRORS) !== 0) return 'errors were found in it'
  if ((state & STATE_VALID) === 0) return 'it was not cleanly unmounted'
  const hasOrphans = raw.readUInt32LE(0xe8) !== 0 || (roCompat & ORPHAN_PRESENT) !== 0
  return hasOrphans ? 'files that were deleted while in use are to be cleaned up' : undefined
}

function unknownFeature(features: Features): string | undefined {
  const kinds = ['compat', 'incompat', 'roCompat'] as const
  for (const kind of kinds) {
    const rest = (features[kind] & ~KNOWN[kind]) >>> 0
    if (rest === 0) continue
    const named = NAMES[kind].filter(({ bit }) => (rest & bit) !== 0).map(({ name }) => name)
    const names = named.length > 0 ? named.join(', ') : `0x${rest.toString(16)}`
    return `it has features that are not written here: ${names}`
  }
  return undefined
}

/** Also keeps a program that believes the superblock from making tables for a size that is made up. */
function whyTooLarge(raw: Buffer, sizeBytes: number): string | undefined {
  const is64Bit = (raw.readUInt32LE(0x60) & 0x80) !== 0
  const blocks = raw.readUInt32LE(0x4) + (is64Bit ? raw.readUInt32LE(0x150) * 2 ** 32 : 0)
  const blockSize = PLACE * 2 ** Math.min(raw.readUInt32LE(0x18), 20)
  return blocks * blockSize > sizeBytes ? 'it is larger than its partition' : undefined
}
