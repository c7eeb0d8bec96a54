/** Images in a directory of this host: `<handle>` (or compressed `<handle>.xz`), `<handle>.hash`, `<handle>.metadata` (spec 4.2). */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pathExists } from 'fs-extra/esm'
import { isSystemError, LagoError, messageOf, NO_SPACE_HINT } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { COMPRESSION_NAMES, compressionOf, decompressFile, suffixOf, type Compression } from '../disk/compress.js'
import type { TemplateSource } from './types.js'

/**
 * A source whose handles are paths below `rootDir` (absolute).
 *
 * Each member throws `LAGO_DOWNLOAD` naming the file when it is missing, unreadable or malformed, and when a handle
 * leads out of `rootDir`. `fetch` throws `LAGO_NO_SPACE`.
 */
export function createFileSource(rootDir: string): TemplateSource {
  return {
    describe: (handle) => join(rootDir, handle),
    async digests(_, handle) {
      const hashPath = join(rootDir, `${handle}.hash`)
      const text = (await readText(hashPath)).trim().toLowerCase()
      if (!/^[0-9a-f]{40}$/.test(text)) throw sourceError(hashPath, 'does not hold the 40 hex digits of a SHA-1')
      return { image: { sha1: text }, served: {} }
    },
    async metadata(_, handle) {
      const metadataPath = join(rootDir, `${handle}.metadata`)
      return parseMetadata(await readText(metadataPath), (why) => sourceError(metadataPath, why))
    },
    async fetch(task, handle, toPath) {
      const imagePath = join(rootDir, handle)
      const packed = await findPacked(imagePath)
      const sha1 =
        packed === undefined
          ? await copyAndHash(task, imagePath, toPath)
          : (await decompressFile(task, packed.path, toPath, packed.compression)).sha1
      return { image: { sha1 }, served: {} }
    },
  }
}

/** An image that is there only compressed, as `lago export --compress` leaves it; its hash is of what is in it. */
async function findPacked(imagePath: string): Promise<{ path: string; compression: Compression } | undefined> {
  if (await pathExists(imagePath)) return undefined
  for (const name of COMPRESSION_NAMES) {
    const packedPath = `${imagePath}${suffixOf(name)}`
    const compression = await compressionOf(packedPath)
    if (compression !== undefined) return { path: packedPath, compression }
  }
  return undefined
}

/** Throws what `fail` makes of the reason when `text` is not a JSON object. */
export function parseMetadata(text: string, fail: (why: string) => Error): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw fail(`is not JSON: ${messageOf(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('is not a JSON object')
  return value as Readonly<Record<string, unknown>> // checked above
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

async function readText(filePath: string): Promise<string> {
  try {
    return await readFile(filePath, 'utf8')
  } catch (error) {
    throw readError(filePath, error)
  }
}

const CHUNK_BYTES = 1024 ** 2

async function copyAndHash(task: Task, fromPath: string, toPath: string): Promise<string> {
  const total = await sizeOf(fromPath)
  const hash = createHash('sha1')
  let done = 0
  const reader = createReadStream(fromPath, { highWaterMark: CHUNK_BYTES })
  const observe = async function* (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk)
      done += chunk.length
      task.progress(done, total, 'bytes')
      yield chunk
    }
  }
  try {
    await pipeline(reader, observe, createWriteStream(toPath), { signal: task.signal })
  } catch (error) {
    task.signal.throwIfAborted()
    throw copyError(fromPath, toPath, error)
  }
  return hash.digest('hex')
}

async function sizeOf(filePath: string): Promise<number> {
  const found = await stat(filePath).catch((error: unknown) => {
    throw readError(filePath, error)
  })
  if (!found.isFile()) throw sourceError(filePath, 'is not a file')
  return found.size
}

function copyError(fromPath: string, toPath: string, error: unknown): unknown {
  if (isSystemError(error, 'ENOSPC', 'EDQUOT'))
    return new LagoError('LAGO_NO_SPACE', `the disk is full: could not copy ${fromPath} to ${toPath}`, {
      hint: NO_SPACE_HINT,
      cause: error,
    })
  return readError(fromPath, error)
}

function readError(filePath: string, error: unknown): unknown {
  if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return sourceError(filePath, 'does not exist', error)
  if (isSystemError(error, 'EISDIR')) return sourceError(filePath, 'is a directory', error)
  return isSystemError(error, 'EACCES', 'EPERM', 'EIO') ? sourceError(filePath, messageOf(error), error) : error
}

function sourceError(filePath: string, why: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_DOWNLOAD', `template file ${filePath} ${why}`, {
    hint: 'beside its image a source has <image>.hash (SHA-1) and <image>.metadata (JSON)',
    data: { path: filePath },
    cause,
  })
}
