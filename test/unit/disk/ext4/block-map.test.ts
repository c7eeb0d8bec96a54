/** Trees that no honest file system has, in memory: every read ends at once, so only pauses let anything else run. */
import { describe, expect, test } from '@jest/globals'
import { readRuns, type Run } from '../../../../src/disk/ext4/block-map.js'
import { openBlocks, type Blocks } from '../../../../src/disk/ext4/blocks.js'
import { recordedTask } from '../../../helpers/recorded-task.js'

const BLOCK = 4096
const PER_NODE = 340
const DAMAGED = { code: 'LAGO_DISK_UNREADABLE' }
const { task } = recordedTask()

function blocksWith(nodes: ReadonlyMap<number, Buffer>): Blocks {
  const count = Math.max(...nodes.keys()) + 1
  const source = {
    sizeBytes: count * BLOCK,
    read: async (_: unknown, offset: number) => nodes.get(offset / BLOCK) ?? Buffer.alloc(BLOCK),
  }
  return openBlocks(source, { blockSize: BLOCK, blockCount: count })
}

/** `entries`: of a leaf `[logical, physical, count]`, of a node above `[logical, child, 0]`. */
function extentNode(depth: number, entries: readonly (readonly [number, number, number])[], bytes = BLOCK): Buffer {
  const node = Buffer.alloc(bytes)
  node.writeUInt16LE(0xf30a, 0)
  node.writeUInt16LE(entries.length, 2)
  node.writeUInt16LE(depth, 6)
  for (const [index, [logical, block, count]] of entries.entries()) {
    const at = 12 * (index + 1)
    node.writeUInt32LE(logical, at)
    if (depth > 0) node.writeUInt32LE(block, at + 4)
    else {
      node.writeUInt16LE(count, at + 4)
      node.writeUInt32LE(block, at + 8)
    }
  }
  return node
}

function pointerNode(pointers: readonly number[], bytes = BLOCK): Buffer {
  const node = Buffer.alloc(bytes)
  for (const [index, pointer] of pointers.entries()) node.writeUInt32LE(pointer, index * 4)
  return node
}

function numbers(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index)
}

const runsOf = async (blocks: Blocks, blockArea: Buffer, facts: object = {}): Promise<readonly Run[]> =>
  readRuns(task, blocks, { blockArea, usesExtents: true, sizeBytes: 2 ** 40, ...facts })

describe('a tree made to have no end is an error', () => {
  test('extents: five blocks that are met over and over, without a piece in them', async () => {
    const nodes = numbers(5, 1).map((block): [number, Buffer] => {
      const isLeaf = block === 5
      return [block, extentNode(5 - block, isLeaf ? [] : numbers(PER_NODE).map((at) => [at, block + 1, 0] as const))]
    })
    const root = extentNode(5, [[0, 1, 0]], 60)
    await expect(runsOf(blocksWith(new Map(nodes)), root)).rejects.toMatchObject(DAMAGED)
  })

  test('extents: a node that is its own child', async () => {
    const blocks = blocksWith(new Map([[1, extentNode(4, [[0, 1, 0]])]]))
    await expect(runsOf(blocks, extentNode(5, [[0, 1, 0]], 60))).rejects.toMatchObject(DAMAGED)
  })

  test('block numbers: a node whose children are all itself, and three without a number in the last', async () => {
    const itself = blocksWith(new Map([[1, pointerNode(Array<number>(1024).fill(1))]]))
    const facts = { usesExtents: false, sizeBytes: 2 ** 42 }
    await expect(runsOf(itself, pointerNode([...Array<number>(14).fill(0), 1], 60), facts)).rejects.toMatchObject(
      DAMAGED,
    )
    const empty = new Map([1, 2].map((block) => [block, pointerNode(Array<number>(1024).fill(block + 1))]))
    const blocks = blocksWith(empty.set(3, Buffer.alloc(BLOCK)))
    await expect(runsOf(blocks, pointerNode([...Array<number>(14).fill(0), 1], 60), facts)).rejects.toMatchObject(
      DAMAGED,
    )
  })
})

test('a file longer than its blocks can be numbered is an error', async () => {
  const blocks = blocksWith(new Map([[1, Buffer.alloc(BLOCK)]]))
  const longest = BLOCK * 2 ** 32
  expect(await runsOf(blocks, extentNode(0, [], 60), { sizeBytes: longest })).toEqual([])
  await expect(runsOf(blocks, extentNode(0, [], 60), { sizeBytes: longest + 1 })).rejects.toMatchObject(DAMAGED)
  await expect(runsOf(blocks, extentNode(0, [], 60), { sizeBytes: 2 ** 63 })).rejects.toMatchObject(DAMAGED)
})

test('a file of a great many pieces is read', async () => {
  const leaves = 953
  const nodes = new Map<number, Buffer>()
  for (const leaf of numbers(leaves))
    nodes.set(
      10 + leaf,
      extentNode(
        0,
        numbers(PER_NODE).map((at) => [leaf * PER_NODE + at, 1, 1] as const),
      ),
    )
  const middle = [0, 1, 2].map((index) => numbers(leaves).slice(index * PER_NODE, (index + 1) * PER_NODE))
  for (const [index, part] of middle.entries())
    nodes.set(
      2 + index,
      extentNode(
        1,
        part.map((leaf) => [leaf * PER_NODE, 10 + leaf, 0] as const),
      ),
    )
  nodes.set(
    1,
    extentNode(
      2,
      [2, 3, 4].map((block, index) => [index * PER_NODE * PER_NODE, block, 0] as const),
    ),
  )
  const runs = await runsOf(blocksWith(nodes), extentNode(3, [[0, 1, 0]], 60))
  expect(runs).toHaveLength(leaves * PER_NODE)
})

test('an abort ends the reading of blocks that are known already', async () => {
  const { task, abort } = recordedTask()
  const blocks = blocksWith(new Map([[1, Buffer.alloc(BLOCK)]]))
  const again = async (): Promise<void> => {
    for (let read = 0; read < 1_000_000; read++) await blocks.read(task, 1)
  }
  setImmediate(() => abort(new Error('enough')))
  await expect(again()).rejects.toThrow('enough')
})
