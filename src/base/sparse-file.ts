/** Writing a file so that runs of zeros take no room on the disk. */
import type { FileHandle } from 'node:fs/promises'

/** A multiple of the block size of common file systems. */
const STRIDE = 64 * 1024
const ZEROS = Buffer.alloc(STRIDE)

/** Writes the chunks from the start of the empty `file` on. The file's size is that of all chunks. */
export async function writeSparse(file: FileHandle, chunks: AsyncIterable<Buffer>): Promise<void> {
  let written = 0
  let pending: Buffer[] = []
  let pendingLength = 0
  const flush = async (): Promise<void> => {
    const stride = pending.length === 1 ? (pending[0] as Buffer) : Buffer.concat(pending) // there is one
    if (stride.compare(ZEROS, 0, stride.length) !== 0) await writeAll(file, stride, written)
    written += stride.length
    pending = []
    pendingLength = 0
  }
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + STRIDE - pendingLength)
      pending.push(part)
      pendingLength += part.length
      at += part.length
      if (pendingLength === STRIDE) await flush()
    }
  if (pendingLength > 0) await flush()
  await file.truncate(written)
}

/** write(2) may write less than it was given. */
async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
}
