/** The entries of a directory: a row of records in each of its blocks; those of the index look like free ones. */
import { damaged } from './damaged.js'

export interface DirectoryEntry {
  readonly name: string
  readonly inode: number
}

const HEAD = 8

/**
 * Without `.` and `..`, and without names that no file can have: a name with a slash in it is made to lead elsewhere.
 * Throws `LAGO_DISK_UNREADABLE` when the records do not fill the block.
 */
export function readEntries(block: Buffer): DirectoryEntry[] {
  const entries: DirectoryEntry[] = []
  let at = 0
  while (at + HEAD <= block.length) {
    const inode = block.readUInt32LE(at)
    const length = recordLength(block.readUInt16LE(at + 4), block.length)
    const nameLength = block[at + 6] ?? 0
    if (length < HEAD || length % 4 !== 0 || at + length > block.length || nameLength > length - HEAD)
      throw damaged('the records of a directory do not fit')
    const name = block.toString('utf8', at + HEAD, at + HEAD + nameLength)
    if (inode !== 0 && isUsable(name)) entries.push({ name, inode })
    at += length
  }
  return entries
}

/** Blocks of 64 KiB have no number left for their own length. */
function recordLength(stored: number, blockSize: number): number {
  return blockSize === 65536 && (stored === 65535 || stored === 0) ? blockSize : stored
}

function isUsable(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}
