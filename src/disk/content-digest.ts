/**
 * What is in a raw image, as a digest that does not depend on where its zeros take room: blocks of zeros are not hashed,
 * so that a disk of many gigabytes with little in it is checked in the time that the little takes.
 */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { isZero, STRIDE_BYTES } from '../base/sparse-file.js'
import type { Task } from '../base/task.js'
import { readDataExtents } from './qemu-img.js'

/** Of `contentDigest`, part of its definition. */
const BLOCK = STRIDE_BYTES
const READ_BLOCKS = 16

/** Makes of an image that passes by what `contentDigest` makes of one that is there. */
export interface ContentDigester {
  /** Every block that holds another byte than zero, in their order; `position` in bytes. */
  update(block: Buffer, position: number): void
  /** To be called once. */
  digest(sizeBytes: number): string
}

export function createContentDigester(): ContentDigester {
  const hash = createHash('sha256')
  return {
    update: (block, position) => void hash.update(number(position / BLOCK)).update(block),
    digest: (sizeBytes) => `blocks-sha256:${hash.update(number(sizeBytes)).digest('hex')}`,
  }
}

/**
 * `blocks-sha256:HEX`: SHA-256 of each block of 64 KiB that holds another byte than zero, the last one as long as it is,
 * in their order, with its number before it as 8 bytes, most significant first; then of the image's size, in 8 bytes.
 */
export async function contentDigest(task: Task, imagePath: string): Promise<string> {
  const digester = createContentDigester()
  const file = await open(imagePath, 'r')
  try {
    const { size } = await file.stat()
    const buffer = Buffer.alloc(READ_BLOCKS * BLOCK)
    for (const at of piecesOf(await readDataExtents(task, imagePath), size)) {
      task.signal.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, at.end - at.start), at.start)
      for (let done = 0; done < bytesRead; done += BLOCK) {
        const block = buffer.subarray(done, Math.min(done + BLOCK, bytesRead))
        if (!isZero(block)) digester.update(block, at.start + done)
      }
      task.progress(at.end, size, 'bytes')
    }
    return digester.digest(size)
  } finally {
    await file.close()
  }
}

interface Span {
  readonly start: number
  readonly end: number
}

/** The extents, widened to whole blocks, none twice, in pieces that are read at once. */
function* piecesOf(
  extents: readonly { readonly start: number; readonly length: number }[],
  size: number,
): Generator<Span> {
  let from = 0
  for (const { start, length } of extents) {
    const end = Math.min(Math.ceil((start + length) / BLOCK) * BLOCK, size)
    for (let at = Math.max(from, Math.floor(start / BLOCK) * BLOCK); at < end; at += READ_BLOCKS * BLOCK)
      yield { start: at, end: Math.min(at + READ_BLOCKS * BLOCK, end) }
    from = Math.max(from, end)
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
