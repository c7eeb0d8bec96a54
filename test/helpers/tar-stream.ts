/** Tar streams made by hand, with what no honest tar writes. */
import { Readable } from 'node:stream'

export interface TarItem {
  readonly name: string | Buffer
  /** Default `0`, a file. */
  readonly flag?: string
  readonly content?: string | Buffer
  /** Default: the content's length. */
  readonly size?: number
  readonly mode?: number
  readonly mtime?: number
  readonly link?: string
}

export function tarBytes(items: readonly TarItem[]): Buffer {
  return Buffer.concat([...items.flatMap(itemBytes), Buffer.alloc(1024)])
}

export function tarStream(items: readonly TarItem[]): Readable {
  return Readable.from([tarBytes(items)], { objectMode: false })
}

/** In pieces of `length` bytes. */
export function inPieces(bytes: Buffer, length: number): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / length) }, (_, n) =>
    bytes.subarray(n * length, (n + 1) * length),
  )
  return Readable.from(pieces, { objectMode: false })
}

/** A pax record, whose length counts itself. */
export function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')])
  const length = [1, 2, 3, 4].map((digits) => rest.length + digits).find((n, at) => String(n).length === at + 1)
  return Buffer.concat([Buffer.from(String(length)), rest])
}

export function itemBytes(item: TarItem): Buffer[] {
  const content = Buffer.from(item.content ?? '')
  const header = Buffer.alloc(512)
  Buffer.from(item.name).copy(header, 0, 0, 100)
  header.write(octal(item.mode ?? 0o644, 7), 100)
  header.write(octal(item.size ?? content.length, 11), 124)
  header.write(octal(item.mtime ?? 1_600_000_000, 11), 136)
  header.write(item.flag ?? '0', 156)
  header.write(item.link ?? '', 157, 100)
  header.write('ustar\x0000', 257)
  header.fill(0x20, 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${octal(sum, 6)}\0 `, 148)
  return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
