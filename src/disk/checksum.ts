/** What a file is known by to those who copy it: hashes and size. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Task } from '../base/task.js'

/** Hex digits. */
export interface Digests {
  readonly sha1: string
  readonly sha256: string
  readonly sizeBytes: number
}

const CHUNK_BYTES = 1024 ** 2

/** The file's content in large pieces; each read is told as progress. */
export async function* readChunks(task: Task, filePath: string): AsyncIterable<Buffer> {
  const total = (await stat(filePath)).size
  let done = 0
  for await (const chunk of createReadStream(filePath, { highWaterMark: CHUNK_BYTES, signal: task.signal })) {
    const bytes = chunk as Buffer // no encoding is set
    done += bytes.length
    task.progress(done, total, 'bytes')
    yield bytes
  }
}

export interface Digester {
  /** Passes the chunks on as they are. */
  observe(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer>
  /** Of what has been observed; to be called once. */
  digests(): Digests
}

export function createDigester(): Digester {
  const [sha1, sha256] = [createHash('sha1'), createHash('sha256')]
  let sizeBytes = 0
  return {
    async *observe(chunks) {
      for await (const chunk of chunks) {
        sha1.update(chunk)
        sha256.update(chunk)
        sizeBytes += chunk.length
        yield chunk
      }
    },
    digests: () => ({ sha1: sha1.digest('hex'), sha256: sha256.digest('hex'), sizeBytes }),
  }
}

export async function digestFile(task: Task, filePath: string): Promise<Digests> {
  const digester = createDigester()
  for await (const _ of digester.observe(readChunks(task, filePath)));
  return digester.digests()
}
