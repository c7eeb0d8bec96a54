import { open } from 'node:fs/promises'
import { isSystemError } from '../base/errors.js'

/** A guest may print without end. */
const MAX_BYTES = 4 * 1024 ** 2

/** The end of a file as text; empty when there is none. */
export async function readTail(filePath: string, maxBytes: number = MAX_BYTES): Promise<string> {
  const file = await open(filePath, 'r').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  if (file === undefined) return ''
  try {
    const { size } = await file.stat()
    const buffer = Buffer.alloc(Math.min(size, maxBytes))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
