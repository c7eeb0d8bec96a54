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
  const found = inode.usesExtents
    ? await extentRuns(task, blocks, inode.blockArea, MAX_EXTENT_DEPTH)
    : await indirectRuns(task, blocks, inode.blockArea, limit)
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

async function extentRuns(task: Task, blocks: Blocks, node: Buffer, depthLeft: number): Promise<Run[]> {
  if (node.readUInt16LE(0) !== EXTENT_MAGIC) throw damaged('an extent tree has no mark')
  const entries = node.readUInt16LE(2)
  const depth = node.readUInt16LE(6)
  if (depth > depthLeft || (entries + 1) * EXTENT_ENTRY > node.length) throw damaged('an extent tree is too large')
  const runs: Run[] = []
  for (let index = 1; index <= entries; index++) {
    const entry = node.subarray(index * EXTENT_ENTRY, (index + 1) * EXTENT_ENTRY)
    if (depth === 0) runs.push(...leaf(entry))
    else {
      const child = entry.readUInt32LE(4) + entry.readUInt16LE(8) * 2 ** 32
      runs.push(...(await extentRuns(task, blocks, await blocks.read(task, child), depth - 1)))
    }
    if (runs.length > MAX_RUNS) throw damaged('a file has too many pieces')
  }
  return runs
}

/** A tree that was made to meet itself again would have no end. */
const MAX_RUNS = 4_000_000

function leaf(entry: Buffer): Run[] {
  const count = entry.readUInt16LE(4)
  if (count === 0 || count > MAX_WRITTEN) return []
  return [{ logical: entry.readUInt32LE(0), physical: entry.readUInt32LE(8) + entry.readUInt16LE(6) * 2 ** 32, count }]
}

const DIRECT = 12

async function indirectRuns(task: Task, blocks: Blocks, area: Buffer, limit: number): Promise<Run[]> {
  const runs = createRunList()
  for (let index = 0; index < DIRECT; index++) runs.add(index, area.readUInt32LE(index * 4))
  let logical = DIRECT
  for (const level of [1, 2, 3]) {
    const pointer = area.readUInt32LE((DIRECT + level - 1) * 4)
    logical = await addTree(task, blocks, runs, { pointer, level, logical, limit })
  }
  return runs.all
}

interface Tree {
  readonly pointer: number
  readonly level: number
  readonly logical: number
  readonly limit: number
}

/** Gives the first logical block behind the tree. */
async function addTree(task: Task, blocks: Blocks, runs: RunList, tree: Tree): Promise<number> {
  const perBlock = blocks.blockSize / 4
  const end = tree.logical + perBlock ** tree.level
  if (tree.pointer === 0 || tree.logical >= tree.limit) return end
  const node = await blocks.read(task, tree.pointer)
  let logical = tree.logical
  for (let index = 0; index < perBlock && logical < tree.limit; index++) {
    const pointer = node.readUInt32LE(index * 4)
    if (tree.level > 1)
      logical = await addTree(task, blocks, runs, { ...tree, pointer, level: tree.level - 1, logical })
    else runs.add(logical++, pointer)
  }
  return end
}

interface RunList {
  readonly all: Run[]
  /** Block number 0 is a hole. */
  add(logical: number, physical: number): void
}

function createRunList(): RunList {
  const all: Run[] = []
  return {
    all,
    add(logical, physical) {
      if (physical === 0) return
      const last = all.at(-1)
      const joins = last && last.logical + last.count === logical && last.physical + last.count === physical
      if (joins) all[all.length - 1] = { ...last, count: last.count + 1 }
      else all.push({ logical, physical, count: 1 })
      if (all.length > MAX_RUNS) throw damaged('a file has too many pieces')
    },
  }
}
