/** Journals that no honest file system has, in memory. */
import { expect, test } from '@jest/globals'
import { openBlocks, type Blocks } from '../../../../src/disk/ext4/blocks.js'
import { readJournal } from '../../../../src/disk/ext4/journal.js'
import type { Run } from '../../../../src/disk/ext4/block-map.js'
import { recordedTask } from '../../../helpers/recorded-task.js'

const BLOCK = 4096
const MAGIC = 0xc03b3998
const DESCRIPTOR = 1
const COMMIT = 2
const REVOKE = 5
const { task } = recordedTask()

function journalBlock(kind: number, words: readonly (readonly [at: number, value: number])[]): Buffer {
  const block = Buffer.alloc(BLOCK)
  for (const [at, value] of [[0, MAGIC], [4, kind], ...words] as const) block.writeUInt32BE(value, at)
  return block
}

/** The head of a log of `length` blocks, whose first transaction is number 1, at block 1. */
const head = (length: number): Buffer =>
  journalBlock(4, [
    [0xc, BLOCK],
    [0x10, length],
    [0x14, 1],
    [0x18, 1],
    [0x1c, 1],
  ])

/** One copy, of block 7; without an end to its copies the whole block is full of them. */
const descriptor = (lastFlag: number): Buffer =>
  journalBlock(DESCRIPTOR, [
    [8, 1],
    [12, 7],
    [16, 2 + lastFlag],
  ])

function blocksOf(content: readonly Buffer[]): Blocks {
  const source = {
    sizeBytes: content.length * BLOCK,
    read: async (_: unknown, offset: number) => content[offset / BLOCK] ?? Buffer.alloc(BLOCK),
  }
  return openBlocks(source, { blockSize: BLOCK, blockCount: content.length })
}

/** Every block of the log from number 1 on is the one block 1 of the file system. */
const oneBlockOver = (length: number): Run[] =>
  Array.from({ length }, (_, logical) => ({ logical, physical: Math.min(logical, 1), count: 1 }))

test('a log of one block that is met over and over ends in an error', async () => {
  const length = 3_000_000
  const blocks = blocksOf([head(length), descriptor(0)])
  await expect(readJournal(task, blocks, oneBlockOver(length))).rejects.toMatchObject({ code: 'LAGO_DISK_UNREADABLE' })
})

test('a log of the same revocations over and over ends in an error', async () => {
  const revoke = journalBlock(REVOKE, [
    [8, 1],
    [12, BLOCK],
  ])
  const blocks = blocksOf([head(100_000), revoke])
  await expect(readJournal(task, blocks, oneBlockOver(100_000))).rejects.toMatchObject({ code: 'LAGO_DISK_UNREADABLE' })
})

test('a log in many pieces gives what was committed, and a block in no piece ends it', async () => {
  const commit = journalBlock(COMMIT, [[8, 1]])
  const blocks = blocksOf([head(100), descriptor(8), Buffer.alloc(BLOCK, 'new'), commit])
  const runs = [0, 1, 2, 3].map((block) => ({ logical: block, physical: block, count: 1 }))
  const far = { logical: 50, physical: 1, count: 50 }
  expect(await readJournal(task, blocks, [...runs, far])).toEqual(new Map([[7, { copyBlock: 2, escaped: false }]]))
})
