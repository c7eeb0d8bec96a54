/** What there is in the store, read from its directory: nothing else keeps a list. */
import { readdir, stat } from 'node:fs/promises'
import { isSystemError } from '../base/errors.js'
import { readOrigin, type Origin } from './origin.js'
import { refsAmong, storeFilesOf, type StoreFiles } from './store-files.js'
import type { TemplateRef, TemplateUser } from './types.js'
import { readUsers } from './users.js'

export interface StoredInfo {
  readonly ref: TemplateRef
  readonly files: StoreFiles
  /** As a guest sees it, and as it takes room on the disk. */
  readonly sizeBytes: number
  readonly usedBytes: number
  /** Undefined for what Lago has not put there. */
  readonly origin: Origin | undefined
  /** Prefixes that are there. */
  readonly users: readonly TemplateUser[]
  /** Of the image's last change where nothing else is known. */
  readonly storedAtMs: number
}

/** In the order of their names. A store that is not there is empty. */
export async function listStored(dir: string): Promise<readonly StoredInfo[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  })
  const infos = await Promise.all(refsAmong(names.sort()).map(async (ref) => readStored(dir, ref)))
  return infos.filter((info) => info !== undefined)
}

/** Undefined: it is not there, or is no file. */
export async function readStored(dir: string, ref: TemplateRef): Promise<StoredInfo | undefined> {
  const files = storeFilesOf(dir, ref)
  const found = await stat(files.image).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
  if (found?.isFile() !== true) return undefined
  const origin = await readOrigin(files.origin)
  return {
    ref,
    files,
    sizeBytes: found.size,
    usedBytes: found.blocks * 512,
    origin,
    users: await readUsers(files.users),
    storedAtMs: origin?.storedAtMs ?? found.mtimeMs,
  }
}
