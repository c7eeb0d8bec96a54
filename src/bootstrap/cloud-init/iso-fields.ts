/** Numbers and sectors as ISO 9660 writes them (ECMA-119, section 7). */

export const SECTOR_BYTES = 2048

export function sectorsOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / SECTOR_BYTES)
}

/** Filled up with zeros to whole sectors. */
export function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(sectorsOf(bytes.length) * SECTOR_BYTES - bytes.length)])
}

export type ByteOrder = 'LE' | 'BE'

export function uint16(value: number, order: ByteOrder): Buffer {
  const bytes = Buffer.alloc(2)
  if (order === 'LE') bytes.writeUInt16LE(value)
  else bytes.writeUInt16BE(value)
  return bytes
}

export function uint32(value: number, order: ByteOrder): Buffer {
  const bytes = Buffer.alloc(4)
  if (order === 'LE') bytes.writeUInt32LE(value)
  else bytes.writeUInt32BE(value)
  return bytes
}

/** Least significant byte first, then most significant byte first. */
export function both16(value: number): Buffer {
  return Buffer.concat([uint16(value, 'LE'), uint16(value, 'BE')])
}

export function both32(value: number): Buffer {
  return Buffer.concat([uint32(value, 'LE'), uint32(value, 'BE')])
}
