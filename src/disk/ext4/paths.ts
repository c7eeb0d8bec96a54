/** Paths in a file system that is not mounted: links are followed within it, and patterns are expanded. */
import { LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import { globMatcher, hasGlob } from '../glob.js'
import type { DirectoryEntry } from './directory.js'
import type { Ext4 } from './file-system.js'
import type { Inode } from './inode.js'

export interface FoundPath {
  /** As it was asked for, patterns replaced by what they met. */
  readonly path: string
  /** What is there, links followed. */
  readonly inode: Inode
}

/** Of one pattern. */
const MAX_MET = 100_000

/** Linux's own limit (path_resolution(7)). */
const MAX_LINKS = 40

/**
 * Where `path` leads, from the root; undefined when there is nothing, or a link that leads nowhere.
 * `..` at the root stays there, as everywhere.
 */
export async function findPath(task: Task, fs: Ext4, path: string): Promise<Inode | undefined> {
  const root = await fs.inode(task, fs.root)
  let stack: Inode[] = []
  let links = 0
  const rest = partsOf(path)
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === '..') {
      stack.pop()
      continue
    }
    const inode = await findEntry(task, fs, stack.at(-1) ?? root, part)
    if (inode === undefined) return undefined
    if (inode.type !== 'symlink') {
      stack.push(inode)
      continue
    }
    if (++links > MAX_LINKS) return undefined
    const target = await fs.linkTarget(task, inode)
    if (target.startsWith('/')) stack = []
    rest.unshift(...partsOf(target))
  }
  return stack.at(-1) ?? root
}

/** What `pattern` meets, sorted by path; a path of exactly that name comes before all meaning of its characters. */
export async function expandPath(task: Task, disk: Ext4, pattern: string): Promise<readonly FoundPath[]> {
  const fs = keepingEntries(disk)
  const exact = await findPath(task, fs, pattern)
  if (exact !== undefined) return [{ path: pattern, inode: exact }]
  if (!hasGlob(pattern)) return []
  let paths = ['']
  for (const part of partsOf(pattern)) paths = await expandPart(task, fs, paths, part)
  const found: FoundPath[] = []
  for (const path of paths.sort()) {
    const inode = await findPath(task, fs, path)
    if (inode !== undefined) found.push({ path, inode })
  }
  return found
}

/** What is asked for is mostly in few directories, which need not be read each time. For a short look: it gets old. */
export function keepingEntries(fs: Ext4): Ext4 {
  const kept = new Map<number, readonly DirectoryEntry[]>()
  return {
    ...fs,
    async entries(task, directory) {
      const known = kept.get(directory.number)
      if (known !== undefined) return known
      const entries = await fs.entries(task, directory)
      if (kept.size >= KEPT_DIRECTORIES) kept.clear()
      kept.set(directory.number, entries)
      return entries
    },
  }
}

const KEPT_DIRECTORIES = 16

async function expandPart(task: Task, fs: Ext4, parents: readonly string[], part: string): Promise<string[]> {
  if (!hasGlob(part)) return parents.map((parent) => `${parent}/${part}`)
  const matches = globMatcher(part)
  const found: string[] = []
  for (const parent of parents) {
    const directory = await findPath(task, fs, parent)
    if (directory?.type !== 'directory') continue
    for (const { name } of await fs.entries(task, directory)) if (matches(name)) found.push(`${parent}/${name}`)
    if (found.length > MAX_MET) throw tooMany(part)
  }
  return found
}

function tooMany(part: string): LagoError {
  return new LagoError('LAGO_DISK_UNREADABLE', `"${part}" in a pattern meets more than ${MAX_MET} files`, {
    hint: 'name the directory that they are in',
  })
}

async function findEntry(task: Task, fs: Ext4, directory: Inode, name: string): Promise<Inode | undefined> {
  if (directory.type !== 'directory') return undefined
  const entry = (await fs.entries(task, directory)).find((entry) => entry.name === name)
  return entry === undefined ? undefined : fs.inode(task, entry.inode)
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}
