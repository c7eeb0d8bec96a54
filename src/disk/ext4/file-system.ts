/**
 * Reads an ext2, ext3 or ext4 file system out of an image, as it would be after its journal was replayed. Nothing is
 * mounted, and nothing in the image is trusted: a damaged or hostile one gives errors, never a way out of it.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Task } from '../../base/task.js'
import type { BlockSource } from '../block-source.js'
import { readRuns, type Run } from './block-map.js'
import { openBlocks, type Blocks, type JournalledBlock } from './blocks.js'
import { damaged } from './damaged.js'
import { readEntries, type DirectoryEntry } from './directory.js'
import { readInode, type Inode } from './inode.js'
import { readJournal } from './journal.js'
import { readSuperblock, type Superblock } from './superblock.js'

export interface Ext4 {
  readonly root: number
  inode(task: Task, number: number): Promise<Inode>
  entries(task: Task, inode: Inode): Promise<readonly DirectoryEntry[]>
  linkTarget(task: Task, inode: Inode): Promise<string>
  /** Checks where the content lies and gives it piece by piece; holes come as zeros. */
  content(task: Task, inode: Inode): Promise<AsyncIterable<Buffer>>
}

const ROOT_INODE = 2
const PIECE_BYTES = 1024 * 1024
const MAX_LINK_BYTES = 4096
const MAX_DIRECTORY_BYTES = 64 * 1024 * 1024

/** Undefined: it is something else, or has features that this reader does not know. */
export async function openExt4(task: Task, source: BlockSource): Promise<Ext4 | undefined> {
  const fs = await readSuperblock(task, source)
  if (fs === undefined) return undefined
  const blocks = openBlocks(source, fs, await journalledBlocks(task, source, fs))
  const inode = async (task: Task, number: number): Promise<Inode> => readInode(task, blocks, fs, number)
  return {
    root: ROOT_INODE,
    inode,
    entries: async (task, directory) => entriesOf(task, blocks, directory),
    linkTarget: async (task, link) => targetOf(task, blocks, link),
    async content(task, file) {
      if (file.isEncrypted) throw damaged('the file is encrypted')
      return pieces(task, blocks, await readRuns(task, blocks, file), file.sizeBytes)
    },
  }
}

async function journalledBlocks(
  task: Task,
  source: BlockSource,
  fs: Superblock,
): Promise<ReadonlyMap<number, JournalledBlock>> {
  if (fs.journalInode === undefined || fs.journalInode === 0) return new Map() // 0: the journal is on another device
  const blocks = openBlocks(source, fs)
  const inode = await readInode(task, blocks, fs, fs.journalInode)
  return readJournal(task, blocks, await readRuns(task, blocks, inode))
}

async function entriesOf(task: Task, blocks: Blocks, directory: Inode): Promise<DirectoryEntry[]> {
  if (directory.type !== 'directory') throw damaged(`inode ${directory.number} is not a directory`)
  if (directory.sizeBytes > MAX_DIRECTORY_BYTES) throw damaged(`directory ${directory.number} is too large`)
  if (directory.isEncrypted) return []
  const found: DirectoryEntry[] = []
  for (const { physical, count } of await readRuns(task, blocks, directory))
    for (let index = 0; index < count; index++) found.push(...readEntries(await blocks.read(task, physical + index)))
  return found
}

/** A short one stands in the inode itself. */
async function targetOf(task: Task, blocks: Blocks, link: Inode): Promise<string> {
  if (link.type !== 'symlink' || link.isEncrypted || link.sizeBytes > MAX_LINK_BYTES)
    throw damaged(`link ${link.number} has no target`)
  const target = await linkText(task, blocks, link)
  if (target.includes('\0')) throw damaged(`the target of link ${link.number} has a NUL in it`)
  return target
}

async function linkText(task: Task, blocks: Blocks, link: Inode): Promise<string> {
  const size = link.sizeBytes
  if (!link.usesExtents && size < link.blockArea.length) return link.blockArea.toString('utf8', 0, size)
  const content: Buffer[] = []
  for await (const piece of pieces(task, blocks, await readRuns(task, blocks, link), size)) content.push(piece)
  return Buffer.concat(content).toString('utf8')
}

async function* pieces(task: Task, blocks: Blocks, runs: readonly Run[], sizeBytes: number): AsyncGenerator<Buffer> {
  const { blockSize } = blocks
  let at = 0
  for (const { logical, physical, count } of runs) {
    yield* zeros(task, logical * blockSize - at)
    const step = Math.max(1, Math.floor(PIECE_BYTES / blockSize))
    for (let done = 0; done < count; done += step) {
      const data = await blocks.readMany(task, physical + done, Math.min(step, count - done))
      at = (logical + done) * blockSize
      const piece = data.subarray(0, Math.min(data.length, sizeBytes - at))
      yield piece
      at += piece.length
    }
  }
  yield* zeros(task, sizeBytes - at)
}

const ZEROS = Buffer.alloc(PIECE_BYTES)

/** Nothing is read for them, so timers and signals would never have their turn. */
async function* zeros(task: Task, count: number): AsyncGenerator<Buffer> {
  for (let left = count; left > 0; left -= PIECE_BYTES) {
    await turn()
    task.signal.throwIfAborted()
    yield ZEROS.subarray(0, Math.min(left, PIECE_BYTES))
  }
}
