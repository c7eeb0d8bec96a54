/** How large an image says that it is, by its first bytes: what it unpacks to is bounded by that. */

/** As many bytes of the beginning are looked at. */
export const HEAD_BYTES = 4096

/** Undefined: it is of no format that says so at its beginning. Sizes are of the disk as a guest sees it. */
export function announcedSizeBytes(head: Buffer): number | undefined {
  return FORMATS.map((sizeOf) => sizeOf(head)).find((size) => size !== undefined)
}

type SizeOf = (head: Buffer) => number | undefined

const SECTOR = 512

/** qemu's docs/interop/qcow2.txt: bytes 24 to 31. */
const qcow2: SizeOf = (head) => (startsWith(head, 0, 'QFI\u00fb') ? numberAt(head, 24, 'big') : undefined)

/** VMware's Virtual Disk Format 5.0: a sparse extent's capacity in sectors. */
const vmdk: SizeOf = (head) => (startsWith(head, 0, 'KDMV') ? sectors(numberAt(head, 12, 'little')) : undefined)

/** Virtual Hard Disk Image Format Specification: the copy of the footer that a dynamic disk begins with. */
const vhd: SizeOf = (head) => (startsWith(head, 0, 'conectix') ? numberAt(head, 48, 'big') : undefined)

/** UEFI specification 2.10, 5.3.2: the second header is in the last sector. */
const gpt: SizeOf = (head) => {
  if (!startsWith(head, SECTOR, 'EFI PART')) return undefined
  const last = numberAt(head, SECTOR + 32, 'little')
  return last === undefined ? undefined : sectors(last + 1)
}

/** The end of the last partition; what a disk has behind it is not counted. */
const mbr: SizeOf = (head) => {
  if (head.length < SECTOR || head.readUInt16LE(510) !== 0xaa55) return undefined
  const ends = [0, 1, 2, 3].map(
    (index) => head.readUInt32LE(446 + 16 * index + 8) + head.readUInt32LE(446 + 16 * index + 12),
  )
  const last = Math.max(...ends)
  return last === 0 ? undefined : sectors(last)
}

const FORMATS: readonly SizeOf[] = [qcow2, vmdk, vhd, gpt, mbr]

function startsWith(head: Buffer, at: number, text: string): boolean {
  return head.toString('latin1', at, at + text.length) === text
}

function numberAt(head: Buffer, at: number, order: 'big' | 'little'): number | undefined {
  if (head.length < at + 8) return undefined
  return Number(order === 'big' ? head.readBigUInt64BE(at) : head.readBigUInt64LE(at))
}

function sectors(count: number | undefined): number | undefined {
  return count === undefined ? undefined : count * SECTOR
}
