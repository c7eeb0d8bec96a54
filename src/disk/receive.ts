/** An image that comes as a stream: unpacked where it is compressed, hashed and written to a file, all in one pass. */
import { open } from 'node:fs/promises'
import { isLagoError, isSystemError, LagoError, NO_SPACE_HINT } from '../base/errors.js'
import { writeSparse, type ObserveStride } from '../base/sparse-file.js'
import type { Task } from '../base/task.js'
import { announcedSizeBytes, HEAD_BYTES } from './announced-size.js'
import { createDigester, type DigestName, type Digests } from './checksum.js'
import { decompressor, sniffCompression, type Compression } from './compression.js'
import { createContentDigester } from './content-digest.js'
import { filtered } from './filter.js'
import { imageHeaderOf } from './image-header.js'

export interface ReceiveOptions<Name extends DigestName> {
  /** Computed of the bytes as they come, and of what is in them. */
  readonly digests: readonly Name[]
  /** What was said elsewhere of the size of the unpacked file; what is compressed to more is refused. */
  readonly sizeBytes?: number | undefined
  /** For messages: where it comes from. */
  readonly from: string
  /** Default false. */
  readonly withContent?: boolean
}

export interface Received<Name extends DigestName> {
  /** Undefined: it came as it is. */
  readonly compression: Compression | undefined
  readonly served: Digests<Name>
  readonly image: Digests<Name>
  /** As `contentDigest` gives it; undefined unless it was asked for and the image is raw. */
  readonly content: string | undefined
}

/**
 * Writes what is in `chunks` to `toPath`, replacing what is there; runs of zeros become holes.
 *
 * What is compressed may unpack to the size that it announces, with room for a format's tables, and no further: an
 * archive of a few kilobytes can hold more than any disk. Throws `LAGO_IMAGE_TOO_LARGE`, `LAGO_NO_SPACE`, what the
 * program that unpacks leads to, and what `chunks` throws; then a part may be at `toPath`.
 */
export async function receiveImage<Name extends DigestName>(
  task: Task,
  chunks: AsyncIterable<Buffer>,
  toPath: string,
  options: ReceiveOptions<Name>,
): Promise<Received<Name>> {
  const [served, image] = [createDigester(options.digests), createDigester(options.digests)]
  await using input = await peek(served.observe(chunks), HEAD_BYTES)
  const compression = sniffCompression(input.head)
  if (compression === undefined) {
    const content = await writeImage(toPath, input.head, input.chunks(), options)
    const digests = served.digests()
    return { compression, served: digests, image: digests, content }
  }
  await using unpacked = await peek(filtered(task, decompressor(compression), input.chunks()), HEAD_BYTES)
  const unpacking = writeImage(toPath, unpacked.head, image.observe(limited(unpacked, options)), options)
  const content = await unpacking.catch((error: unknown) => {
    throw isLagoError(error, 'LAGO_COMMAND_FAILED') ? cannotUnpack(options.from, error) : error
  })
  return { compression, served: served.digests(), image: image.digests(), content }
}

/** Gives the digest of what is in it, if it is wanted. */
async function writeImage(
  toPath: string,
  head: Buffer,
  chunks: AsyncIterable<Buffer>,
  { withContent = false }: Pick<ReceiveOptions<DigestName>, 'withContent'>,
): Promise<string | undefined> {
  if (!withContent || imageHeaderOf(head).format !== 'raw') {
    await writeToDisk(toPath, chunks)
    return undefined
  }
  const digester = createContentDigester()
  return digester.digest(await writeToDisk(toPath, chunks, digester.update))
}

/** To a file that is complete on the disk, as `writeSparse` does. Gives its size. Throws `LAGO_NO_SPACE`. */
export async function writeToDisk(
  filePath: string,
  chunks: AsyncIterable<Buffer>,
  observe?: ObserveStride,
): Promise<number> {
  try {
    const file = await open(filePath, 'w', 0o600)
    try {
      const sizeBytes = await writeSparse(file, chunks, observe)
      await file.sync()
      return sizeBytes
    } finally {
      await file.close()
    }
  } catch (error) {
    throw explainWriteError(error, filePath)
  }
}

interface Peeked extends AsyncDisposable {
  /** Shorter only when there is no more. */
  readonly head: Buffer
  /** All of it, the head included; to be read once. */
  chunks(): AsyncIterable<Buffer>
}

/** To be disposed of: the source is told when nobody wants the rest. */
async function peek(source: AsyncIterable<Buffer>, count: number): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  let isAtEnd = false
  while (head.length < count && !isAtEnd) {
    const next = await iterator.next()
    isAtEnd = next.done === true
    if (next.done !== true) head = Buffer.concat([head, next.value])
  }
  return {
    head,
    async *chunks() {
      if (head.length > 0) yield head
      for (;;) {
        const next = await iterator.next()
        if (next.done === true) return
        yield next.value
      }
    },
    async [Symbol.asyncDispose]() {
      await iterator.return?.(undefined)
    },
  }
}

/** Nobody says how large it is: a terabyte is more than images of machines have. */
const UNANNOUNCED_LIMIT_BYTES = 1024 ** 4
/** Tables of a format, and what a disk has behind its last partition. */
const SLACK_BYTES = 64 * 1024 ** 2

async function* limited(
  unpacked: Peeked,
  { sizeBytes, from }: ReceiveOptions<DigestName>,
): AsyncGenerator<Buffer, void, void> {
  const announced = announcedSizeBytes(unpacked.head)
  const limit = Math.min(
    sizeBytes ?? UNANNOUNCED_LIMIT_BYTES,
    announced === undefined ? UNANNOUNCED_LIMIT_BYTES : announced + announced / 16 + SLACK_BYTES,
  )
  let written = 0
  for await (const chunk of unpacked.chunks()) {
    written += chunk.length
    if (written > limit) throw tooLarge(from, limit)
    yield chunk
  }
}

function cannotUnpack(from: string, error: LagoError): LagoError {
  return new LagoError('LAGO_COMMAND_FAILED', `${from} cannot be unpacked: ${error.message}`, {
    hint: 'it is damaged, or not whole; nothing was kept',
    data: error.data,
    cause: error,
  })
}

function tooLarge(from: string, limitBytes: number): LagoError {
  return new LagoError(
    'LAGO_IMAGE_TOO_LARGE',
    `${from} unpacks to more than the ${limitBytes} bytes that it announces`,
    {
      hint: 'it is damaged, or not what it says; nothing was kept',
      data: { from, limitBytes },
    },
  )
}

function explainWriteError(error: unknown, toPath: string): unknown {
  if (!isSystemError(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) return error
  return new LagoError('LAGO_NO_SPACE', `the disk is full: could not write ${toPath}`, {
    hint: NO_SPACE_HINT,
    data: { path: toPath },
    cause: error,
  })
}
