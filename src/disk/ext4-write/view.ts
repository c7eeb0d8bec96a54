/**
 * The directories of a file system as they will be once the operations so far are done: what was there, read by us, and
 * over it what was made or removed. Where a path leads is decided here, and not by debugfs.
 */
import { LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { Ext4 } from '../ext4/file-system.js'
import type { Inode } from '../ext4/inode.js'

/** One that is there, or one that the operations make. */
export type Directory =
  | { readonly kind: 'directory'; readonly inode: Inode }
  | { readonly kind: 'directory'; readonly madeIn: Directory; readonly name: string }

export type Entry =
  | Directory
  | { readonly kind: 'symlink'; readonly target: string; readonly inode?: Inode }
  /** A file, a device, a socket or a pipe; without an inode: a new one. */
  | { readonly kind: 'file'; readonly inode?: Inode }

export interface View {
  readonly root: Directory
  find(task: Task, directory: Directory, name: string): Promise<Entry | undefined>
  /** Tells what is there from now on. */
  set(directory: Directory, name: string, entry: Entry | undefined): void
}

export async function openView(task: Task, fs: Ext4): Promise<View> {
  const changed = new Map<string, Entry | undefined>()
  return {
    root: { kind: 'directory', inode: await fs.inode(task, fs.root) },
    async find(task, directory, name) {
      const key = keyOf(directory, name)
      if (changed.has(key)) return changed.get(key)
      return 'inode' in directory ? readEntry(task, fs, directory.inode, name) : undefined
    },
    set: (directory, name, entry) => void changed.set(keyOf(directory, name), entry),
  }
}

/** No name has a slash in it. */
function keyOf(directory: Directory, name: string): string {
  return 'inode' in directory
    ? `${directory.inode.number}/${name}`
    : `${keyOf(directory.madeIn, directory.name)}/${name}`
}

async function readEntry(task: Task, fs: Ext4, directory: Inode, name: string): Promise<Entry | undefined> {
  const entry = (await fs.entries(task, directory)).find((entry) => entry.name === name)
  if (entry === undefined) return undefined
  const inode = await fs.inode(task, entry.inode)
  if (inode.type === 'directory') return { kind: 'directory', inode }
  if (inode.type === 'symlink') return { kind: 'symlink', inode, target: await fs.linkTarget(task, inode) }
  return { kind: 'file', inode }
}

/** Linux's own limit (path_resolution(7)). */
const MAX_LINKS = 40
/** Links may lead to paths of thousands of parts that are not there; no honest ones do. */
const MAX_PARTS = 200

/** What to do about a directory that is missing on the way; without one for it there is no way. */
export type Make<T extends Directory | undefined> = (parent: Directory, name: string) => T

/**
 * The directory that `path` leads to, links followed within the file system.
 * Throws `LAGO_DISK_UNWRITABLE` where something else is on the way, or links lead in circles.
 */
export async function findDirectory<T extends Directory | undefined>(
  task: Task,
  view: View,
  { path, make }: { readonly path: string; readonly make: Make<T> },
): Promise<Directory | T> {
  let stack: Directory[] = []
  let [links, parts] = [0, 0]
  const rest = partsOf(path)
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (++parts > MAX_PARTS) throw inTheWay(path, 'links make the way too long')
    if (part === '..') {
      stack.pop()
      continue
    }
    const parent = stack.at(-1) ?? view.root
    const found = (await view.find(task, parent, part)) ?? make(parent, part)
    if (found === undefined) return found
    if (found.kind === 'directory') stack.push(found)
    else if (found.kind === 'file') throw inTheWay(path, `${JSON.stringify(part)} is not a directory`)
    else if (++links > MAX_LINKS) throw inTheWay(path, 'links lead in circles')
    else {
      if (found.target.startsWith('/')) stack = []
      rest.unshift(...partsOf(found.target))
    }
  }
  return stack.at(-1) ?? view.root
}

export function inTheWay(path: string, why: string): LagoError {
  return new LagoError('LAGO_DISK_UNWRITABLE', `${JSON.stringify(path)} cannot be written in the image: ${why}`, {
    hint: 'put that right in the image, or prepare it in another way',
    data: { path },
  })
}

export function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}
