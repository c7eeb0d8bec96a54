/**
 * Reads a tar stream entry by entry: ustar, GNU long names, pax headers. Names are bytes, kept as latin1 strings with
 * one character per byte, because a guest's file names need not be UTF-8.
 *
 * The stream comes from a guest: every number is checked and every buffer has a limit. What an entry may do on the host
 * is decided elsewhere.
 */
import type { Readable } from 'node:stream'

export interface TarEntry {
  /** As it stands in the archive; one character per byte. */
  readonly name: string
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'device' | 'fifo' | 'unknown'
  readonly mode: number
  readonly mtimeMs: number
  /** Of the body; 0 for everything but files. */
  readonly sizeBytes: number
  /** Of links; one character per byte. */
  readonly linkName: string
  /** What is not read of it is skipped. */
  body(): AsyncGenerator<Buffer>
}

/** The stream is not a tar archive, or does not end as one. */
export class TarFormatError extends Error {
  override readonly name = 'TarFormatError'
}

const BLOCK = 512
const NAME_LIMIT = 64 * 1024
const PAX_LIMIT = 1024 ** 2
/** tar pads its output to a whole record, usually of 10 KiB. */
const PADDING_LIMIT = 1024 ** 2

/** Throws `TarFormatError`, and what the stream throws. */
export async function* readTar(stream: Readable): AsyncGenerator<TarEntry> {
  const source = new ByteSource(stream)
  let pending: Overrides = {}
  for (;;) {
    const block = await source.exactly(BLOCK)
    if (isZero(block)) break
    const header = parseHeader(block)
    if (header.flag in METADATA) {
      pending = { ...pending, ...(await readMetadata(source, header)) }
      continue
    }
    const entry = { ...header, ...pending }
    pending = {}
    const sizeBytes = FILE_FLAGS.includes(entry.flag) ? entry.size : 0
    const body = new Body(source, sizeBytes)
    yield {
      name: entry.name,
      type: typeOf(entry),
      mode: entry.mode,
      mtimeMs: entry.mtimeMs,
      sizeBytes,
      linkName: entry.linkName,
      body: () => body.chunks(),
    }
    await body.finish()
  }
  await source.drain(PADDING_LIMIT)
}

interface Header {
  readonly name: string
  readonly flag: string
  readonly mode: number
  readonly mtimeMs: number
  readonly size: number
  readonly linkName: string
}

type Overrides = Partial<Pick<Header, 'name' | 'linkName' | 'size' | 'mtimeMs'>>

/** pax(1), ustar interchange format; the first two are how old archives mark a file. */
const FILE_FLAGS = ['0', '\0', '7']
const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
}

function typeOf({ flag, name }: Header): TarEntry['type'] {
  if (FILE_FLAGS.includes(flag)) return name.endsWith('/') ? 'directory' : 'file'
  return TYPES[flag] ?? 'unknown'
}

/** Headers that describe the entry after them. */
const METADATA: Readonly<Record<string, number>> = { L: NAME_LIMIT, K: NAME_LIMIT, x: PAX_LIMIT, g: PAX_LIMIT }

async function readMetadata(source: ByteSource, { flag, size }: Header): Promise<Overrides> {
  if (size > (METADATA[flag] ?? 0)) throw new TarFormatError(`a header of ${size} bytes`)
  const content = await source.exactly(size)
  await source.exactly(paddingOf(size))
  if (flag === 'L') return { name: textUntilNul(content) }
  if (flag === 'K') return { linkName: textUntilNul(content) }
  return flag === 'x' ? parsePax(content.toString('latin1')) : {}
}

/** Records of `LENGTH KEY=VALUE\n`, the length being that of the whole record. */
function parsePax(text: string): Overrides {
  const found: Record<string, string> = {}
  for (let at = 0; at < text.length;) {
    const [head = '', digits = ''] = /^(\d{1,7}) /.exec(text.slice(at, at + 8)) ?? []
    const record = text.slice(at + head.length, at + Number(digits))
    const equals = record.indexOf('=')
    if (head === '' || at + Number(digits) > text.length || equals < 1 || !record.endsWith('\n'))
      throw new TarFormatError('a pax header that is not one')
    found[record.slice(0, equals)] = record.slice(equals + 1, -1)
    at += Number(digits)
  }
  const size = found['size'] === undefined ? undefined : checkedNumber(Number(found['size']))
  const mtime = Number(found['mtime'])
  return {
    ...(found['path'] === undefined ? {} : { name: withoutNul(found['path']) }),
    ...(found['linkpath'] === undefined ? {} : { linkName: withoutNul(found['linkpath']) }),
    ...(size === undefined ? {} : { size }),
    ...(found['mtime'] === undefined || !Number.isFinite(mtime) ? {} : { mtimeMs: timeOf(mtime) }),
  }
}

function withoutNul(text: string): string {
  if (text.includes('\0')) throw new TarFormatError('a name with a NUL in it')
  return text
}

function parseHeader(block: Buffer): Header {
  const stored = numberAt(block, 148, 8)
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (sum !== stored) throw new TarFormatError('a header whose checksum is wrong')
  const isUstar = block.toString('latin1', 257, 262) === 'ustar'
  const isGnu = block.toString('latin1', 257, 265) === 'ustar  \0'
  const prefix = isUstar && !isGnu ? textUntilNul(block.subarray(345, 500)) : ''
  const name = textUntilNul(block.subarray(0, 100))
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: numberAt(block, 100, 8) & 0o7777,
    size: numberAt(block, 124, 12),
    mtimeMs: timeOf(numberAt(block, 136, 12)),
    flag: String.fromCharCode(block[156] ?? 0),
    linkName: textUntilNul(block.subarray(157, 257)),
  }
}

/** Octal digits, or GNU's binary form for what does not fit. */
function numberAt(block: Buffer, from: number, length: number): number {
  const field = block.subarray(from, from + length)
  if ((field[0] ?? 0) & 0x80) {
    const digits = Buffer.concat([Buffer.of((field[0] ?? 0) & 0x7f), field.subarray(1)])
    return checkedNumber(Number(BigInt(`0x${digits.toString('hex')}`)))
  }
  const text = textUntilNul(field).trim()
  if (!/^[0-7]*$/.test(text)) throw new TarFormatError('a number that is not one')
  return checkedNumber(parseInt(text || '0', 8))
}

/** What file systems can store. */
function timeOf(seconds: number): number {
  return Math.min(Math.max(seconds, 0), 2 ** 33) * 1000
}

function checkedNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new TarFormatError('a number out of range')
  return value
}

function textUntilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end)
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

class Body {
  readonly #source: ByteSource
  #left: number
  readonly #padding: number

  constructor(source: ByteSource, sizeBytes: number) {
    this.#source = source
    this.#left = sizeBytes
    this.#padding = paddingOf(sizeBytes)
  }

  async *chunks(): AsyncGenerator<Buffer> {
    while (this.#left > 0) {
      const chunk = await this.#source.atMost(this.#left)
      this.#left -= chunk.length
      yield chunk
    }
  }

  async finish(): Promise<void> {
    while (this.#left > 0) this.#left -= (await this.#source.atMost(this.#left)).length
    await this.#source.exactly(this.#padding)
  }
}

class ByteSource {
  readonly #chunks: AsyncIterator<unknown>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  async exactly(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let left = count; left > 0;) {
      const part = await this.atMost(left)
      parts.push(part)
      left -= part.length
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts) // there is one
  }

  /** Between 1 and `count` bytes. */
  async atMost(count: number): Promise<Buffer> {
    if (this.#rest.length === 0 && !(await this.#fill())) throw new TarFormatError('it ends in the middle')
    const part = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(part.length)
    return part
  }

  async drain(limit: number): Promise<void> {
    for (let seen = this.#rest.length; await this.#fill();) {
      seen += this.#rest.length
      if (seen > limit) throw new TarFormatError('it goes on after its end')
    }
  }

  async #fill(): Promise<boolean> {
    for (;;) {
      const next = await this.#chunks.next()
      if (next.done === true) return false
      this.#rest = next.value as Buffer // byte streams give nothing else
      if (this.#rest.length > 0) return true
    }
  }
}
