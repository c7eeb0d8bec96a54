/** Writing files so that a reader sees the old content or the new, never a half. */
import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from './errors.js'

export interface WriteOptions {
  /** Default 0o644. */
  readonly mode?: number
  /** False: not forced onto the disk. Default true. */
  readonly sync?: boolean
}

/**
 * Writes to a temporary name beside `filePath`, syncs, renames.
 * On any failure the old file is untouched; the error names a file also when the system does not, as for a full disk.
 */
export async function writeFileAtomic(
  filePath: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const temporaryPath = temporaryPathFor(filePath)
  try {
    const file = await open(temporaryPath, 'wx', options.mode ?? 0o644)
    try {
      await file.writeFile(content)
      if (options.sync !== false) await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporaryPath, filePath)
  } catch (error) {
    await rm(temporaryPath, { force: true })
    if (isSystemError(error, 'ENOSPC', 'EDQUOT', 'EFBIG', 'EIO')) error.path ??= filePath
    throw error
  }
}

/** JSON as upstream writes it: indent 4, no final newline (spec 2.2). */
export async function writeJsonAtomic(filePath: string, value: unknown, options: WriteOptions = {}): Promise<void> {
  await writeFileAtomic(filePath, JSON.stringify(value, undefined, 4), options)
}

/** A name in the same directory that no other process of this host uses. */
export function temporaryPathFor(filePath: string): string {
  return path.join(path.dirname(filePath), `.${path.basename(filePath)}.${process.pid}.${++temporaryCount}.tmp`)
}

let temporaryCount = 0
