/**
 * What a file system's journal holds that has not reached its place yet, as after a power cut
 * (Documentation/filesystems/ext4/journal.rst of Linux 6.1). All numbers in it are big-endian.
 */
import type { Task } from '../../base/task.js'
import type { Run } from './block-map.js'
import type { Blocks, JournalledBlock } from './blocks.js'
import { damaged } from './damaged.js'

const MAGIC = 0xc03b3998
const DESCRIPTOR = 1
const COMMIT = 2
const SUPERBLOCKS = [3, 4]
const REVOKE = 5

const INCOMPAT_64BIT = 0x2
const INCOMPAT_CSUM_V2 = 0x8
const INCOMPAT_CSUM_V3 = 0x10

const TAG_ESCAPED = 1
const TAG_SAME_UUID = 2
const TAG_LAST = 8

/**
 * `runs`: where the journal's own blocks are, in their order. Empty for a journal that cannot be understood.
 * Throws `LAGO_DISK_UNREADABLE` for one that was made to be endless.
 */
export async function readJournal(
  task: Task,
  blocks: Blocks,
  runs: readonly Run[],
): Promise<ReadonlyMap<number, JournalledBlock>> {
  const log = createLog(blocks, runs)
  const head = await log.read(task, 0)
  if (head === undefined || !isBlock(head) || !SUPERBLOCKS.includes(head.readUInt32BE(4))) return new Map()
  const first = head.readUInt32BE(0x14)
  const start = head.readUInt32BE(0x1c)
  const end = Math.min(head.readUInt32BE(0x10), log.blockCount)
  if (start === 0 || first === 0 || first >= end || head.readUInt32BE(0xc) !== blocks.blockSize) return new Map()
  const scan: Scan = { log, first, end, features: head.readUInt32BE(0x28), blockSize: blocks.blockSize }
  return newestOf(await readTransactions(task, scan, start, head.readUInt32BE(0x18)))
}

interface Scan {
  readonly log: Log
  readonly first: number
  readonly end: number
  readonly features: number
  readonly blockSize: number
}

interface Transaction {
  readonly copies: Map<number, JournalledBlock>
  /** Blocks whose copies of this transaction and of those before it do not count. */
  readonly revoked: Set<number>
}

/** Far more blocks and revocations than wait in a journal: mke2fs makes none of more than 262,144 blocks by itself. */
const MAX_STEPS = 2_000_000

/** Those that were committed, oldest first. */
async function readTransactions(task: Task, scan: Scan, start: number, firstSequence: number): Promise<Transaction[]> {
  const done: Transaction[] = []
  let open: Transaction = { copies: new Map(), revoked: new Set() }
  let sequence = firstSequence
  let position = start
  let steps = 0
  const count = (): void => {
    if (++steps > MAX_STEPS) throw damaged('its journal has no end')
  }
  const step = (): void => {
    position = position + 1 < scan.end ? position + 1 : scan.first
    count()
  }
  for (let seen = 0; seen < scan.end; seen++) {
    const block = await scan.log.read(task, position)
    if (block === undefined || !isBlock(block) || block.readUInt32BE(8) !== sequence) break
    const kind = block.readUInt32BE(4)
    step()
    if (kind === DESCRIPTOR) {
      for (const { target, escaped } of tagsOf(block, scan)) {
        const copyBlock = scan.log.place(position)
        if (copyBlock !== undefined) open.copies.set(target, { copyBlock, escaped })
        step()
        seen++
      }
    } else if (kind === REVOKE) {
      for (const target of revokesOf(block, scan)) {
        open.revoked.add(target)
        count()
      }
    } else if (kind === COMMIT) {
      done.push(open)
      open = { copies: new Map(), revoked: new Set() }
      sequence = (sequence + 1) % 2 ** 32
    } else break
  }
  return done
}

function newestOf(transactions: readonly Transaction[]): Map<number, JournalledBlock> {
  const newest = new Map<number, JournalledBlock>()
  for (const { copies, revoked } of transactions) {
    for (const [block, copy] of copies) newest.set(block, copy)
    for (const block of revoked) newest.delete(block)
  }
  return newest
}

function tagsOf(block: Buffer, { features, blockSize }: Scan): { target: number; escaped: boolean }[] {
  const isV3 = (features & INCOMPAT_CSUM_V3) !== 0
  const isV2 = (features & INCOMPAT_CSUM_V2) !== 0
  const is64Bit = (features & INCOMPAT_64BIT) !== 0
  const size = isV3 ? 16 : 8 + (isV2 ? 2 : 0) + (is64Bit ? 4 : 0) // linux/fs/jbd2/journal.c: journal_tag_bytes()
  const end = blockSize - (isV2 || isV3 ? 4 : 0)
  const tags = []
  for (let at = 12; at + size <= end;) {
    const flags = isV3 ? block.readUInt32BE(at + 4) : block.readUInt16BE(at + 6)
    const high = is64Bit ? block.readUInt32BE(at + 8) : 0
    tags.push({ target: block.readUInt32BE(at) + high * 2 ** 32, escaped: (flags & TAG_ESCAPED) !== 0 })
    at += size + ((flags & TAG_SAME_UUID) !== 0 ? 0 : 16)
    if ((flags & TAG_LAST) !== 0) break
  }
  return tags
}

function revokesOf(block: Buffer, { features, blockSize }: Scan): number[] {
  const size = (features & INCOMPAT_64BIT) !== 0 ? 8 : 4
  const end = Math.min(block.readUInt32BE(12), blockSize)
  const revoked = []
  for (let at = 16; at + size <= end; at += size)
    revoked.push(size === 8 ? Number(block.readBigUInt64BE(at)) : block.readUInt32BE(at))
  return revoked
}

interface Log {
  readonly blockCount: number
  /** The block of the file system that holds the log's block `index`. */
  place(index: number): number | undefined
  read(task: Task, index: number): Promise<Buffer | undefined>
}

function createLog(blocks: Blocks, runs: readonly Run[]): Log {
  const last = runs.at(-1)
  const place = (index: number): number | undefined => {
    const run = runs[lastAt(runs, index)]
    return run === undefined || index >= run.logical + run.count ? undefined : run.physical + (index - run.logical)
  }
  return {
    blockCount: last === undefined ? 0 : last.logical + last.count,
    place,
    async read(task, index) {
      const block = place(index)
      return block === undefined ? undefined : blocks.read(task, block)
    },
  }
}

/** The index of the last run that begins at `logical` or before; -1 without one. */
function lastAt(runs: readonly Run[], logical: number): number {
  let [low, high] = [0, runs.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const run = runs[middle]
    if (run !== undefined && run.logical <= logical) low = middle + 1
    else high = middle
  }
  return low - 1
}

function isBlock(block: Buffer): boolean {
  return block.readUInt32BE(0) === MAGIC
}
