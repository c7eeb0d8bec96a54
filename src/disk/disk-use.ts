/** What files take on the disk, as du(1) counts it. */
import { lstat, readdir } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../base/errors.js'

/** Bytes; links are not followed. What vanishes or may not be looked at counts nothing. */
export async function diskUse(place: string): Promise<number> {
  try {
    const found = await lstat(place)
    const own = found.blocks * BLOCK_BYTES
    if (!found.isDirectory()) return own
    const inside = await Promise.all((await readdir(place)).map(async (name) => diskUse(path.join(place, name))))
    return inside.reduce((sum, bytes) => sum + bytes, own)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'EPERM', 'ENOTDIR')) return 0
    throw error
  }
}

/** stat(2): st_blocks counts these, whatever the file system's own blocks are. */
const BLOCK_BYTES = 512
