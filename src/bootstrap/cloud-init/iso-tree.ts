/**
 * One of the trees of names that an ISO 9660 image has over the same files: a volume descriptor, path tables, and a
 * directory (ECMA-119, sections 8 and 9; Joliet Specification, 1995).
 */
import { both16, both32, padded, SECTOR_BYTES, sectorsOf, uint16, uint32, type ByteOrder } from './iso-fields.js'
import { fileEntries, parentEntries, rootEntries } from './rock-ridge.js'

export interface IsoTree {
  readonly naming: Naming
  /** The two path tables lie in it and in the next one. */
  readonly pathTableSector: number
  readonly sector: number
  /** Whole sectors. */
  readonly sizeBytes: number
}

export interface FileExtent {
  readonly name: string
  readonly sector: number
  readonly sizeBytes: number
}

export interface Naming {
  readonly descriptorType: 1 | 2
  /** Which characters a supplementary tree is written in. */
  readonly escape: string
  identifierOf(name: string): Buffer
  /** A text in a field of the volume descriptor. */
  field(text: string, length: number): Buffer
  readonly hasRockRidge: boolean
}

/** Capitals, digits and underscores (level 2), with Rock Ridge beside them for the names as they are. */
export const PRIMARY: Naming = {
  descriptorType: 1,
  escape: '',
  identifierOf: (name) => Buffer.from(`${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}.;1`),
  field: (text, length) => Buffer.from(text.padEnd(length)),
  hasRockRidge: true,
}

/** Joliet, UCS-2 level 3. */
export const JOLIET: Naming = {
  descriptorType: 2,
  escape: '%/E',
  identifierOf: ucs2,
  field: (text, length) => Buffer.concat([ucs2(text.padEnd(Math.floor(length / 2))), Buffer.alloc(length % 2)]),
  hasRockRidge: false,
}

function ucs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

export function volumeDescriptor(
  { naming, pathTableSector, ...root }: IsoTree,
  volume: { readonly label: string; readonly sectors: number },
): Buffer {
  const tableBytes = pathTable(root, 'LE').length
  const parts = [
    Buffer.from([naming.descriptorType]),
    Buffer.from(`${STANDARD}\0`),
    naming.field('', 32), // system
    naming.field(volume.label, 32),
    Buffer.alloc(8),
    both32(volume.sectors),
    Buffer.from(naming.escape.padEnd(32, '\0')),
    ...[1, 1, SECTOR_BYTES].map(both16), // a set of one volume, this is the first; size of a block
    both32(tableBytes),
    ...[uint32(pathTableSector, 'LE'), uint32(0, 'LE')],
    ...[uint32(pathTableSector + 1, 'BE'), uint32(0, 'BE')],
    directoryRecord(SELF, { ...root, isDirectory: true }),
    ...[128, 128, 128, 128, 37, 37, 37].map((length) => naming.field('', length)), // who made it, of what
    ...[1, 2, 3, 4].map(() => Buffer.from(`${'0'.repeat(16)}\0`)), // when: not told
    Buffer.from([1, 0]),
  ]
  return padded(Buffer.concat(parts))
}

/** Ends the list of volume descriptors. */
export function terminator(): Buffer {
  return padded(Buffer.concat([Buffer.from([255]), Buffer.from(STANDARD)]))
}

/** With the version of a descriptor. */
const STANDARD = 'CD001\x01'

/** Of the root alone. */
export function pathTable({ sector }: Pick<IsoTree, 'sector'>, order: ByteOrder): Buffer {
  return Buffer.concat([Buffer.from([SELF.length, 0]), uint32(sector, order), uint16(1, order), SELF, Buffer.alloc(1)])
}

const SELF = Buffer.from([0])
const PARENT = Buffer.from([1])

/** Its length depends on the names alone. */
export function directoryOf(tree: IsoTree, files: readonly FileExtent[]): Buffer {
  const { naming } = tree
  const own = { ...tree, isDirectory: true }
  const named = files.map((file) => ({ file, identifier: naming.identifierOf(file.name) }))
  const sorted = named.sort((one, other) => Buffer.compare(one.identifier, other.identifier))
  const rockRidge = (entries: () => Buffer): Buffer => (naming.hasRockRidge ? entries() : Buffer.alloc(0))
  return inWholeSectors([
    directoryRecord(SELF, own, rockRidge(rootEntries)),
    directoryRecord(PARENT, own, rockRidge(parentEntries)),
    ...sorted.map(({ file, identifier }) => {
      const entries = rockRidge(() => fileEntries(file.name))
      return directoryRecord(identifier, { ...file, isDirectory: false }, entries)
    }),
  ])
}

/** A record does not go over the end of a sector. */
function inWholeSectors(records: readonly Buffer[]): Buffer {
  const joined = records.reduce((done, record) => {
    const room = sectorsOf(done.length) * SECTOR_BYTES - done.length
    return Buffer.concat([record.length > room ? padded(done) : done, record])
  }, Buffer.alloc(0))
  return padded(joined)
}

/** ECMA-119, 9.1. `systemUse` has an even length. */
function directoryRecord(
  identifier: Buffer,
  extent: { readonly sector: number; readonly sizeBytes: number; readonly isDirectory: boolean },
  systemUse: Buffer = Buffer.alloc(0),
): Buffer {
  const parts = [
    Buffer.alloc(1), // no extended attributes
    both32(extent.sector),
    both32(extent.sizeBytes),
    EPOCH,
    Buffer.from([extent.isDirectory ? 2 : 0, 0, 0]),
    both16(1),
    Buffer.from([identifier.length]),
    identifier,
    Buffer.alloc((identifier.length + 1) % 2),
    systemUse,
  ]
  const rest = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([rest.length + 1]), rest])
}

/** 1970-01-01, midnight, UTC: years count from 1900. */
const EPOCH = Buffer.from([70, 1, 1, 0, 0, 0, 0])
