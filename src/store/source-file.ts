/** Images in a directory of this host. Upstream never unpacks what such a source has; ours does where nothing else is there. */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError, messageOf } from '../base/errors.js'
import { readChunks } from '../disk/checksum.js'
import { COMPRESSED_SUFFIXES } from '../disk/compression.js'
import type { TemplateSource } from './types.js'

/**
 * A source whose handles are paths below `rootDir` (absolute).
 * Each member throws `LAGO_DOWNLOAD` naming the file that is unreadable, and a handle that leads out of `rootDir`.
 */
export function createFileSource(rootDir: string): TemplateSource {
  return {
    suffixes: ['', ...COMPRESSED_SUFFIXES],
    describe: (handle) => join(rootDir, handle),
    async text(_, handle) {
      const filePath = join(rootDir, handle)
      return readFile(filePath, 'utf8').catch((error: unknown) => notThere(filePath, error))
    },
    async open(task, handle) {
      const filePath = join(rootDir, handle)
      const found = await stat(filePath).catch((error: unknown) => notThere(filePath, error))
      if (found === undefined) return undefined
      if (!found.isFile()) throw sourceError(filePath, 'is not a file')
      const chunks = told(filePath, readChunks(task, filePath))
      return { place: filePath, sizeBytes: found.size, chunks, [Symbol.asyncDispose]: async () => undefined }
    },
  }
}

async function* told(filePath: string, chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  try {
    yield* chunks
  } catch (error) {
    throw readError(filePath, error)
  }
}

function join(rootDir: string, handle: string): string {
  const joined = path.join(rootDir, handle)
  const isBelow = joined.startsWith(rootDir.endsWith('/') ? rootDir : `${rootDir}/`)
  if (path.isAbsolute(handle) || !isBelow || handle.includes('\0'))
    throw new LagoError(
      'LAGO_DOWNLOAD',
      `template handle ${JSON.stringify(handle)} leads out of its source ${rootDir}`,
      {
        hint: 'a handle is a path relative to the "root" of its source',
        data: { handle, rootDir },
      },
    )
  return joined
}

function notThere(filePath: string, error: unknown): undefined {
  if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
  throw readError(filePath, error)
}

function readError(filePath: string, error: unknown): unknown {
  if (!isSystemError(error, 'EISDIR', 'EACCES', 'EPERM', 'EIO')) return error
  return sourceError(
    filePath,
    error.code === 'EISDIR' ? 'is a directory' : `cannot be read: ${messageOf(error)}`,
    error,
  )
}

function sourceError(filePath: string, why: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_DOWNLOAD', `template file ${filePath} ${why}`, {
    hint: 'beside its image a source has <image>.hash (SHA-1) and <image>.metadata (JSON)',
    data: { path: filePath },
    cause,
  })
}
