/** Parts of a file system that is not mounted as a tar stream, so that they are unpacked like what a guest sends. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { Header, Pax } from 'tar'
import { isLagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { Ext4 } from './file-system.js'
import type { Inode } from './inode.js'

export interface TarRoot {
  /** Its name in the stream. */
  readonly name: string
  readonly inode: Inode
}

/**
 * Files, directories and links; devices, sockets and pipes are left out. What cannot be read is left out with a warning.
 * The stream fails with the task's abort.
 */
export function packTree(task: Task, fs: Ext4, roots: readonly TarRoot[]): Readable {
  return Readable.from(archive(task, fs, roots), { objectMode: false })
}

type Facts = Pick<Inode, 'type' | 'mode' | 'mtimeS'>

/** One member, named `content`, with the content of a file of this host. */
export function packFile(inode: Facts, contentPath: string): Readable {
  return Readable.from(fileArchive(inode, contentPath), { objectMode: false })
}

const BLOCK = 512

async function* fileArchive(inode: Facts, contentPath: string): AsyncGenerator<Buffer> {
  const { size } = await stat(contentPath)
  yield* header({ name: 'content', inode }, { size })
  yield* createReadStream(contentPath) as AsyncIterable<Buffer> // without an encoding
  yield Buffer.concat([padding(size), Buffer.alloc(2 * BLOCK)])
}

async function* archive(task: Task, fs: Ext4, roots: readonly TarRoot[]): AsyncGenerator<Buffer> {
  for (const root of roots) yield* packEntry(task, fs, root, new Set())
  yield Buffer.alloc(2 * BLOCK)
}

/** `met`: the directories so far. A sound file system has each in one place; in another the walk would have no end. */
async function* packEntry(task: Task, fs: Ext4, entry: TarRoot, met: Set<number>): AsyncGenerator<Buffer> {
  task.signal.throwIfAborted()
  const { name, inode } = entry
  if (isTooLong(name)) return task.log('warning', `left out ${name.slice(0, SHOWN)}: its name is too long`)
  if (inode.type === 'directory') {
    if (met.has(inode.number)) return task.log('warning', `left out ${name}: the directory is in two places`)
    met.add(inode.number)
    yield* header(entry, {})
    for (const child of await childrenOf(task, fs, entry)) yield* packEntry(task, fs, child, met)
  } else if (inode.type === 'symlink') {
    const target = await orLeftOut(task, name, fs.linkTarget(task, inode))
    if (target !== undefined) yield* header(entry, { linkpath: target })
  } else if (inode.type === 'file') {
    const content = await orLeftOut(task, name, fs.content(task, inode))
    if (content === undefined) return
    yield* header(entry, { size: inode.sizeBytes })
    yield* content
    yield padding(inode.sizeBytes)
  } else task.log('debug', `left out ${name}: not a file, a directory or a link`)
}

const SHOWN = 1000

/** For this host, where names that are no UTF-8 grow when they are written as such. */
function isTooLong(name: string): boolean {
  const tooLong = (part: string): boolean => Buffer.byteLength(part) > MAX_NAME_BYTES
  return Buffer.byteLength(name) > MAX_PATH_BYTES || name.split('/').some(tooLong)
}

/** linux/limits.h: NAME_MAX; PATH_MAX, with room for the directory that it goes to. */
const MAX_NAME_BYTES = 255
const MAX_PATH_BYTES = 2048

async function childrenOf(task: Task, fs: Ext4, { name, inode }: TarRoot): Promise<TarRoot[]> {
  const entries = (await orLeftOut(task, name, fs.entries(task, inode))) ?? []
  const children: TarRoot[] = []
  for (const entry of entries) {
    const childName = `${name}/${entry.name}`
    const child = await orLeftOut(task, childName, fs.inode(task, entry.inode))
    if (child !== undefined) children.push({ name: childName, inode: child })
  }
  return children
}

/** A damaged file is no reason to lose the others. */
async function orLeftOut<T>(task: Task, name: string, reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (!isLagoError(error, 'LAGO_DISK_UNREADABLE')) throw error
    task.log('warning', `left out ${name}: ${error.message}`)
    return undefined
  })
}

function* header(
  { name, inode }: { name: string; inode: Facts },
  more: { size?: number; linkpath?: string },
): Generator<Buffer> {
  const facts = {
    path: inode.type === 'directory' ? `${name}/` : name,
    mode: inode.mode,
    mtime: new Date(Math.max(0, inode.mtimeS) * 1000), // a tar stream has no time before that one
    size: 0,
    uid: 0,
    gid: 0,
    type: TYPES[inode.type],
    ...more,
  }
  const head = new Header(facts)
  const block = Buffer.alloc(BLOCK)
  if (head.encode(block)) yield new Pax({ path: facts.path, size: facts.size, ...linkOf(facts) }).encode()
  yield block
}

const TYPES = { file: 'File', directory: 'Directory', symlink: 'SymbolicLink', other: 'Unsupported' } as const

function linkOf({ linkpath }: { linkpath?: string }): { linkpath?: string } {
  return linkpath === undefined ? {} : { linkpath }
}

function padding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK - (sizeBytes % BLOCK)) % BLOCK)
}
