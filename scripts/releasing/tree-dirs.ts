/** Directories of a tree of releases: everybody reads them, and its group changes them where the group shares the tree. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { makeDirs } from '../../src/base/files.js'

const OTHERS_WRITE = 0o002
const GROUP_WRITES = 0o020
const SHARED = 0o2000 | GROUP_WRITES

/** As the umask of `umaskForTree` has it; for others never to change. */
export const TREE_DIR_MODE = 0o775

/** As `makeDirs`, with that mode. */
export async function makeTreeDirs(dir: string): Promise<string | undefined> {
  return makeDirs(dir, TREE_DIR_MODE)
}

/**
 * The umask to work in the tree with, whatever whoever calls keeps for themselves otherwise. The group may write in what is
 * made when `umask` says so, and when the tree's directory is group-writable and has the setgid bit, by which all below
 * belongs to its group. Of a tree that is not there yet, the directory is asked in which it is to be made.
 */
export async function umaskForTree(treeDir: string, umask: number): Promise<number> {
  return OTHERS_WRITE | ((await isShared(treeDir)) ? 0 : umask & GROUP_WRITES)
}

async function isShared(dir: string): Promise<boolean> {
  const found = await stat(dir).catch(() => undefined)
  if (found !== undefined) return (found.mode & SHARED) === SHARED
  return path.dirname(dir) !== dir && isShared(path.dirname(dir))
}
