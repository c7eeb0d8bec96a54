/** What kind of file system or container a partition holds, by the marks that libblkid goes by. For messages. */
import type { Task } from '../base/task.js'
import type { BlockSource } from './block-source.js'

interface Mark {
  readonly name: string
  readonly offset: number
  /** As latin1. */
  readonly bytes: string
}

const MARKS: readonly Mark[] = [
  { name: 'LUKS', offset: 0, bytes: 'LUKS\xba\xbe' },
  { name: 'xfs', offset: 0, bytes: 'XFSB' },
  { name: 'squashfs', offset: 0, bytes: 'hsqs' },
  { name: 'BitLocker', offset: 3, bytes: '-FVE-FS-' },
  { name: 'NTFS', offset: 3, bytes: 'NTFS    ' },
  { name: 'vfat', offset: 0x36, bytes: 'FAT1' },
  { name: 'vfat', offset: 0x52, bytes: 'FAT32' },
  { name: 'LVM', offset: 512 + 24, bytes: 'LVM2 001' },
  { name: 'f2fs', offset: 1024, bytes: '\x10\x20\xf5\xf2' },
  { name: 'ext', offset: 1024 + 0x38, bytes: '\x53\xef' },
  { name: 'a RAID member', offset: 4096, bytes: '\xfc\x4e\x2b\xa9' },
  { name: 'swap', offset: 4096 - 10, bytes: 'SWAPSPACE2' },
  { name: 'iso9660', offset: 32768 + 1, bytes: 'CD001' },
  { name: 'btrfs', offset: 65536 + 0x40, bytes: '_BHRfS_M' },
]

/** Undefined: none that is known. */
export async function fileSystemKind(task: Task, source: BlockSource): Promise<string | undefined> {
  for (const { name, offset, bytes } of MARKS) {
    if (offset + bytes.length > source.sizeBytes) continue
    if ((await source.read(task, offset, bytes.length)).toString('latin1') === bytes) return name
  }
  return undefined
}
