/** How long an environment is wanted. Nothing ends it by itself: `lago gc --expired` does. */
import { rm } from 'node:fs/promises'
import { isSystemError } from '../base/errors.js'
import { writeFileAtomic } from '../base/files.js'
import { readSmallFile } from '../base/read-small-file.js'
import type { PrefixLayout } from './layout.js'

/** Milliseconds since 1970; undefined: no end, also where what was written cannot be understood. */
export async function readExpiry({ expires }: PrefixLayout): Promise<number | undefined> {
  try {
    const atMs = Date.parse((await readSmallFile(expires))?.trim() ?? '')
    return Number.isNaN(atMs) ? undefined : atMs
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ENXIO', 'EISDIR')) return undefined
    throw error
  }
}

/** `undefined` takes the limit away. */
export async function setExpiry({ expires }: PrefixLayout, atMs: number | undefined): Promise<void> {
  if (atMs === undefined) await rm(expires, { force: true })
  else await writeFileAtomic(expires, new Date(atMs).toISOString())
}
