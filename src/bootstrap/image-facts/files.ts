/** The files of a system that is not running, for whoever looks at it: every look is bounded, and damage is an error. */
import path from 'node:path'
import { LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { Ext4 } from '../../disk/ext4/file-system.js'
import type { Inode } from '../../disk/ext4/inode.js'
import { findPath, keepingEntries } from '../../disk/ext4/paths.js'

/** Paths are absolute, and links are followed within the image. All throw `LAGO_DISK_UNREADABLE` for what is damaged. */
export interface ImageFiles {
  find(path: string): Promise<Inode | undefined>
  has(path: string): Promise<boolean>
  hasAny(...paths: readonly string[]): Promise<boolean>
  /** Of a directory, sorted; none when there is no such directory. */
  names(path: string): Promise<readonly string[]>
  /** What a file holds, as latin1, so that bytes that are no text stay as they are; undefined: there is none. */
  text(path: string): Promise<string | undefined>
  /** Where the link at `path` itself points; undefined: there is no link. */
  linkTarget(path: string): Promise<string | undefined>
}

/** No file that is read here is larger in honest images. */
const MAX_TEXT_BYTES = 1024 * 1024

/** For one look: what changes in the meantime may not be seen. */
export function imageFiles(task: Task, disk: Ext4): ImageFiles {
  const fs = keepingEntries(disk)
  const find = async (filePath: string): Promise<Inode | undefined> => findPath(task, fs, filePath)
  const has = async (filePath: string): Promise<boolean> => (await find(filePath)) !== undefined
  return {
    find,
    has,
    async hasAny(...paths) {
      for (const filePath of paths) if (await has(filePath)) return true
      return false
    },
    async names(dirPath) {
      const directory = await find(dirPath)
      if (directory?.type !== 'directory') return []
      return (await fs.entries(task, directory)).map(({ name }) => name).sort()
    },
    async text(filePath) {
      const inode = await find(filePath)
      return inode?.type === 'file' ? readText(task, fs, filePath, inode) : undefined
    },
    async linkTarget(linkPath) {
      const directory = await find(path.dirname(linkPath))
      if (directory?.type !== 'directory') return undefined
      const entry = (await fs.entries(task, directory)).find(({ name }) => name === path.basename(linkPath))
      const inode = entry && (await fs.inode(task, entry.inode))
      return inode?.type === 'symlink' ? fs.linkTarget(task, inode) : undefined
    },
  }
}

async function readText(task: Task, fs: Ext4, filePath: string, inode: Inode): Promise<string> {
  if (inode.sizeBytes > MAX_TEXT_BYTES)
    throw new LagoError('LAGO_DISK_UNREADABLE', `${filePath} in the image is too large: ${inode.sizeBytes} bytes`)
  const pieces: Buffer[] = []
  for await (const piece of await fs.content(task, inode)) pieces.push(piece)
  return Buffer.concat(pieces).toString('latin1')
}
