/** What a file is known by to those who copy it: hashes and size. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Task } from '../base/task.js'

export const DIGEST_NAMES = ['sha1', 'sha256', 'sha512'] as const
export type DigestName = (typeof DIGEST_NAMES)[number]

/** Hex digits, lower case. */
export type Digests<Name extends DigestName = DigestName> = Readonly<Record<Name, string>> & {
  readonly sizeBytes: number
}

const CHUNK_BYTES = 1024 ** 2

/** The file's content in large pieces; each read is told as progress. */
export async function* readChunks(task: Task, filePath: string): AsyncIterable<Buffer> {
  const total = (await stat(filePath)).size
  let done = 0
  for await (const chunk of createReadStream(filePath, { highWaterMark: CHUNK_BYTES })) {
    task.signal.throwIfAborted()
    const bytes = chunk as Buffer // no encoding is set
    done += bytes.length
    task.progress(done, total, 'bytes')
    yield bytes
  }
}

export interface Digester<Name extends DigestName> {
  /** Passes the chunks on as they are. */
  observe(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer>
  /** Of what has been observed; to be called once. */
  digests(): Digests<Name>
}

export function createDigester<Name extends DigestName>(names: readonly Name[]): Digester<Name> {
  const hashes = names.map((name) => ({ name, hash: createHash(name) }))
  let sizeBytes = 0
  return {
    async *observe(chunks) {
      for await (const chunk of chunks) {
        for (const { hash } of hashes) hash.update(chunk)
        sizeBytes += chunk.length
        yield chunk
      }
    },
    digests: () => {
      const texts = Object.fromEntries(hashes.map(({ name, hash }) => [name, hash.digest('hex')]))
      return { ...texts, sizeBytes } as Digests<Name> // one for each name
    },
  }
}

export async function digestFile<Name extends DigestName>(
  task: Task,
  filePath: string,
  names: readonly Name[],
): Promise<Digests<Name>> {
  const digester = createDigester(names)
  for await (const _ of digester.observe(readChunks(task, filePath)));
  return digester.digests()
}
