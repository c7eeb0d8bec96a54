/**
 * What an image says of itself in its first bytes, read by ourselves: qemu follows what a header names, to any file and
 * any server, and an image from elsewhere may name what it likes. qemu is shown only what has passed here.
 */
import { open } from 'node:fs/promises'
import { HEAD_BYTES } from './announced-size.js'

/** qemu's names; `raw` is everything that is none of the others. */
export type SourceFormat = 'raw' | 'qcow2' | 'vmdk' | 'vpc' | 'vhdx' | 'vdi' | 'luks' | 'qed'

export interface ImageHeader {
  readonly format: SourceFormat
  /** As written in the image; undefined: it stands alone. */
  readonly backing: { readonly name: string; readonly format: string | undefined } | undefined
  /** It has its data, or a part of it, in files of other names. */
  readonly hasOtherFiles: boolean
  readonly isEncrypted: boolean
  /** Points in time inside the image. */
  readonly snapshots: number
}

export async function readImageHeader(filePath: string): Promise<ImageHeader> {
  const file = await open(filePath, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOKED_AT_BYTES), 0, LOOKED_AT_BYTES, 0)
    return imageHeaderOf(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

/** All that is looked at of a header stands in its first cluster, which has at most so many bytes. */
const LOOKED_AT_BYTES = 2 * 1024 ** 2

/** `start`: the first `LOOKED_AT_BYTES` of the image, or all of it. */
export function imageHeaderOf(start: Buffer): ImageHeader {
  const format = formatOf(start.subarray(0, HEAD_BYTES))
  switch (format) {
    case 'qcow2':
      return qcow2Header(start)
    case 'vmdk':
      return { ...ALONE, format, hasOtherFiles: vmdkHasOtherFiles(start) }
    case 'luks':
      return { ...ALONE, format, isEncrypted: true }
    default:
      return { ...ALONE, format }
  }
}

const ALONE = { backing: undefined, hasOtherFiles: false, isEncrypted: false, snapshots: 0 } as const

const MARKS: readonly { readonly at: number; readonly text: string; readonly format: SourceFormat }[] = [
  { at: 0, text: 'QFI\u00fb', format: 'qcow2' }, // qemu, docs/interop/qcow2.txt
  { at: 0, text: 'QED\0', format: 'qed' }, // qemu, docs/interop/qed_spec.txt
  { at: 0, text: 'KDMV', format: 'vmdk' }, // VMware Virtual Disk Format 5.0
  { at: 0, text: '# Disk Descriptor', format: 'vmdk' },
  { at: 0, text: 'conectix', format: 'vpc' }, // Virtual Hard Disk Image Format Specification
  { at: 0, text: 'vhdxfile', format: 'vhdx' }, // [MS-VHDX], 2.2.1
  { at: 0, text: 'LUKS\u00ba\u00be', format: 'luks' }, // LUKS On-Disk Format Specification
  { at: 64, text: '\u007f\u0010\u00da\u00be', format: 'vdi' }, // qemu, block/vdi.c: VDI_SIGNATURE
]

function formatOf(head: Buffer): SourceFormat {
  const mark = MARKS.find(({ at, text }) => head.toString('latin1', at, at + text.length) === text)
  return mark?.format ?? 'raw'
}

/** Offsets are those of qemu's docs/interop/qcow2.txt. */
function qcow2Header(start: Buffer): ImageHeader {
  const version = numberAt(start, 4)
  return {
    format: 'qcow2',
    backing: backingOf(start, version),
    hasOtherFiles: version >= 3 && (numberAt(start, 76) & EXTERNAL_DATA_FILE) !== 0,
    isEncrypted: numberAt(start, 32) !== 0,
    snapshots: numberAt(start, 60),
  }
}

const EXTERNAL_DATA_FILE = 1 << 2

/** As long as qemu takes one for. */
const LONGEST_BACKING_NAME = 1023

function backingOf(start: Buffer, version: number): ImageHeader['backing'] {
  if (start.length < 20) return undefined
  const [offset, length] = [Number(start.readBigUInt64BE(8)), Math.min(numberAt(start, 16), LONGEST_BACKING_NAME)]
  if (offset === 0 || length === 0) return undefined
  const name = start.toString('utf8', offset, offset + length)
  return { name, format: backingFormatOf(start, version >= 3 ? numberAt(start, 100) : 72) }
}

const BACKING_FORMAT_EXTENSION = 0xe2792aca

/** Extensions follow the header, each with its type and length in front, padded to eight bytes. */
function backingFormatOf(start: Buffer, headerLength: number): string | undefined {
  for (let at = headerLength; at + 8 <= start.length;) {
    const [type, length] = [numberAt(start, at), numberAt(start, at + 4)]
    if (type === 0) return undefined
    if (type === BACKING_FORMAT_EXTENSION) return start.toString('latin1', at + 8, at + 8 + length)
    at += 8 + Math.ceil(length / 8) * 8
  }
  return undefined
}

/** A description in words names its parts; so does a header without a size of its own, and one with a parent. */
function vmdkHasOtherFiles(start: Buffer): boolean {
  if (start.toString('latin1', 0, 4) !== 'KDMV' || start.length < 512) return true
  const capacity = start.readBigUInt64LE(12)
  const [at, length] = [Number(start.readBigUInt64LE(28)) * 512, Number(start.readBigUInt64LE(36)) * 512]
  const description = start.toString('latin1', at, at + length)
  return capacity === 0n || at + length > start.length || /^\s*parentFileNameHint\s*=/im.test(description)
}

function numberAt(start: Buffer, at: number): number {
  return start.length < at + 4 ? 0 : start.readUInt32BE(at)
}
