/** Where the content of an inode lies: extents, or the older tree of block numbers. */
import type { Task } from '../../base/task.js'
import type { Blocks } from './blocks.js'
import { damaged } from './damaged.js'

/** `count` blocks of a file from `logical` on. What no run covers is a hole. */
export interface Run {
  readonly logical: number
  readonly physical: number
  readonly count: number
}

/** Blocks of a file are numbered by 32 bits. */
const MAX_BLOCKS = 2 ** 32
const EXTENT_MAGIC = 0xf30a
const EXTENT_ENTRY = 12
const MAX_EXTENT_DEPTH = 5
/** A longer one has blocks that were set aside and not written yet: they read as zeros. */
const MAX_WRITTEN = 32768

/** In the order of the file. Throws `LAGO_DISK_UNREADABLE` for what cannot be. */
export async function readRuns(
  task: Task,
  blocks: Blocks,
  inode: { readonly blockArea: Buffer; readonly usesExtents: boolean; readonly sizeBytes: number },
): Promise<readonly Run[]> {
  const limit = Math.ceil(inode.sizeBytes / blocks.blockSize)
  if (limit > MAX_BLOCKS) throw damaged(`a file cannot have ${inode.sizeBytes} bytes`)
  const nodes = createNodes(blocks)
  const runs = createRunList()
  if (inode.usesExtents) await addExtents(task, nodes, runs, { node: inode.blockArea, depthLeft: MAX_EXTENT_DEPTH })
  else await addIndirect(task, nodes, runs, { area: inode.blockArea, limit })
  const found = runs.all
  checkOrder(found, blocks.blockCount)
  return found.flatMap((run) =>
    run.logical >= limit ? [] : [{ ...run, count: Math.min(run.count, limit - run.logical) }],
  )
}

function checkOrder(runs: readonly Run[], blockCount: number): void {
  let next = 0
  for (const { logical, physical, count } of runs) {
    if (logical < next || physical + count > blockCount) throw damaged('the blocks of a file are not in order')
    next = logical + count
  }
}

interface Nodes {
  readonly blockSize: number
  read(task: Task, block: number): Promise<Buffer>
}

/** No sound tree has a block in two places. One that has may be endless, and find nothing on its way. */
function createNodes(blocks: Blocks): Nodes {
  const met = new Set<number>()
  return {
    blockSize: blocks.blockSize,
    async read(task, block) {
      if (met.has(block) || met.size >= MAX_NODES) throw damaged('the tree of the blocks of a file has no end')
      met.add(block)
      return blocks.read(task, block)
    },
  }
}

/** Enough for 4 TiB in blocks of 4 KiB that each have their number. */
const MAX_NODES = 1_100_000

interface ExtentTree {
  readonly node: Buffer
  readonly depthLeft: number
}

async function addExtents(task: Task, nodes: Nodes, runs: RunList, { node, depthLeft }: ExtentTree): Promise<void> {
  if (node.readUInt16LE(0) !== EXTENT_MAGIC) throw damaged('an extent tree has no mark')
  const entries = node.readUInt16LE(2)
  const depth = node.readUInt16LE(6)
  if (depth > depthLeft || (entries + 1) * EXTENT_ENTRY > node.length) throw damaged('an extent tree is too large')
  for (let index = 1; index <= entries; index++) {
    const entry = node.subarray(index * EXTENT_ENTRY, (index + 1) * EXTENT_ENTRY)
    if (depth === 0) addLeaf(runs, entry)
    else {
      const child = entry.readUInt32LE(4) + entry.readUInt16LE(8) * 2 ** 32
      await addExtents(task, nodes, runs, { node: await nodes.read(task, child), depthLeft: depth - 1 })
    }
  }
}

function addLeaf(runs: RunList, entry: Buffer): void {
  const count = entry.readUInt16LE(4)
  if (count === 0 || count > MAX_WRITTEN) return
  runs.add({ logical: entry.readUInt32LE(0), physical: entry.readUInt32LE(8) + entry.readUInt16LE(6) * 2 ** 32, count })
}

const DIRECT = 12

async function addIndirect(
  task: Task,
  nodes: Nodes,
  runs: RunList,
  { area, limit }: { readonly area: Buffer; readonly limit: number },
): Promise<void> {
  for (let index = 0; index < DIRECT; index++) addBlock(runs, index, area.readUInt32LE(index * 4))
  let logical = DIRECT
  for (const level of [1, 2, 3]) {
    const pointer = area.readUInt32LE((DIRECT + level - 1) * 4)
    logical = await addTree(task, nodes, runs, { pointer, level, logical, limit })
  }
}

interface Tree {
  readonly pointer: number
  readonly level: number
  readonly logical: number
  readonly limit: number
}

/** Gives the first logical block behind the tree. */
async function addTree(task: Task, nodes: Nodes, runs: RunList, tree: Tree): Promise<number> {
  const perBlock = nodes.blockSize / 4
  const end = tree.logical + perBlock ** tree.level
  if (tree.pointer === 0 || tree.logical >= tree.limit) return end
  const node = await nodes.read(task, tree.pointer)
  let logical = tree.logical
  for (let index = 0; index < perBlock && logical < tree.limit; index++) {
    const pointer = node.readUInt32LE(index * 4)
    if (tree.level > 1) logical = await addTree(task, nodes, runs, { ...tree, pointer, level: tree.level - 1, logical })
    else addBlock(runs, logical++, pointer)
  }
  return end
}

/** Block number 0 is a hole. */
function addBlock(runs: RunList, logical: number, physical: number): void {
  if (physical !== 0) runs.add({ logical, physical, count: 1 })
}

interface RunList {
  readonly all: readonly Run[]
  /** What goes on where the last one ends becomes a part of it. */
  add(run: Run): void
}

const MAX_RUNS = 4_000_000

function createRunList(): RunList {
  const all: Run[] = []
  return {
    all,
    add(run) {
      const last = all.at(-1)
      const joins = last && last.logical + last.count === run.logical && last.physical + last.count === run.physical
      if (joins) all[all.length - 1] = { ...last, count: last.count + run.count }
      else all.push(run)
      if (all.length > MAX_RUNS) throw damaged('a file has too many pieces')
    },
  }
}
