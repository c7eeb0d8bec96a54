/** The blocks of a file system, as they are once its journal has been replayed; nothing is written for that. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Task } from '../../base/task.js'
import type { BlockSource } from '../block-source.js'
import { damaged } from './damaged.js'

export interface Blocks {
  readonly blockSize: number
  readonly blockCount: number
  /** Every so many, also of those that are kept, let timers and signals have their turn; an abort ends the reading. */
  read(task: Task, block: number): Promise<Buffer>
  /** Blocks in a row, for content: they are not kept. */
  readMany(task: Task, first: number, count: number): Promise<Buffer>
}

/** A block whose newest content is in the journal. */
export interface JournalledBlock {
  /** The block of the file system that holds the copy. */
  readonly copyBlock: number
  /** The copy's first four bytes were the journal's mark and are blanked in it. */
  readonly escaped: boolean
}

const KEPT_BLOCKS = 2048
const READS_BETWEEN_TURNS = 64
const JOURNAL_MAGIC = 0xc03b3998

export function openBlocks(
  source: BlockSource,
  { blockSize, blockCount }: { readonly blockSize: number; readonly blockCount: number },
  journalled: ReadonlyMap<number, JournalledBlock> = new Map(),
): Blocks {
  const kept = new Map<number, Buffer>()
  let reads = 0
  const readRaw = async (task: Task, first: number, count: number): Promise<Buffer> => {
    if (first < 0 || first + count > blockCount) throw damaged(`it points to block ${first} of ${blockCount}`)
    return source.read(task, first * blockSize, count * blockSize)
  }
  const readCopy = async (task: Task, { copyBlock, escaped }: JournalledBlock): Promise<Buffer> => {
    const copy = Buffer.from(await readRaw(task, copyBlock, 1))
    if (escaped) copy.writeUInt32BE(JOURNAL_MAGIC, 0)
    return copy
  }
  const readMany = async (task: Task, first: number, count: number): Promise<Buffer> => {
    const data = await readRaw(task, first, count)
    if (journalled.size === 0) return data
    const patched = Buffer.from(data)
    for (let index = 0; index < count; index++) {
      const copy = journalled.get(first + index)
      if (copy !== undefined) (await readCopy(task, copy)).copy(patched, index * blockSize)
    }
    return patched
  }
  return {
    blockSize,
    blockCount,
    readMany,
    async read(task, block) {
      if (++reads % READS_BETWEEN_TURNS === 0) await turn()
      task.signal.throwIfAborted()
      const known = kept.get(block)
      if (known !== undefined) return known
      const data = await readMany(task, block, 1)
      if (kept.size >= KEPT_BLOCKS) kept.clear()
      kept.set(block, data)
      return data
    },
  }
}
