/** Writing a file so that runs of zeros take no room on the disk. */
import type { FileHandle } from 'node:fs/promises'

/** A multiple of the block size of common file systems. */
export const STRIDE_BYTES = 65_536
const ZEROS = Buffer.alloc(STRIDE_BYTES)
/** As much is written at once, while the next is on its way. */
const RUN_BYTES = 16 * STRIDE_BYTES

/** Sees every stride that holds another byte than zero, in their order; only the last one of a file may be shorter. */
export type ObserveStride = (stride: Buffer, position: number) => void

/** Writes the chunks from the start of the empty `file` on. Gives the file's size, which is that of all chunks. */
export async function writeSparse(
  file: FileHandle,
  chunks: AsyncIterable<Buffer>,
  observe?: ObserveStride,
): Promise<number> {
  const runs = new Runs(file)
  try {
    let position = 0
    for await (const stride of inStrides(chunks)) {
      if (isZero(stride)) await runs.skip()
      else {
        observe?.(stride, position)
        await runs.add(stride, position)
      }
      position += stride.length
    }
    await runs.end()
    await file.truncate(position)
    return position
  } finally {
    await runs.settled() // the caller closes the file
  }
}

export function isZero(stride: Buffer): boolean {
  return stride.compare(ZEROS, 0, stride.length) === 0
}

async function* inStrides(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let pending: Buffer[] = []
  let length = 0
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + STRIDE_BYTES - length)
      pending.push(part)
      length += part.length
      at += part.length
      if (length < STRIDE_BYTES) continue
      yield joined(pending)
      pending = []
      length = 0
    }
  if (length > 0) yield joined(pending)
}

function joined(parts: readonly Buffer[]): Buffer {
  const [first] = parts
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)
}

/** Strides that follow one another are written together; one such write at a time is under way. */
class Runs {
  readonly #file: FileHandle
  #strides: Buffer[] = []
  #position = 0
  #length = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(file: FileHandle) {
    this.#file = file
  }

  async add(stride: Buffer, position: number): Promise<void> {
    if (this.#length === 0) this.#position = position
    this.#strides.push(stride)
    this.#length += stride.length
    if (this.#length >= RUN_BYTES) await this.#write()
  }

  /** What comes next does not follow on what there is. */
  async skip(): Promise<void> {
    if (this.#length > 0) await this.#write()
  }

  async end(): Promise<void> {
    await this.skip()
    await this.#writing
  }

  async settled(): Promise<void> {
    await this.#writing.catch(() => undefined) // told by the write that came after it, or by `end`
  }

  async #write(): Promise<void> {
    const [strides, position] = [this.#strides, this.#position]
    this.#strides = []
    this.#length = 0
    await this.#writing
    this.#writing = writeAll(this.#file, joined(strides), position)
    this.#writing.catch(() => undefined) // told by whoever waits for it next
  }
}

/** write(2) may write less than it was given. */
async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
}
