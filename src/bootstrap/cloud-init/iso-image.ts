/**
 * A small ISO 9660 image of one directory, with Rock Ridge for Linux and Joliet for others. The same files give the same
 * bytes. Knows nothing of what the files are for.
 */
import { padded, SECTOR_BYTES, sectorsOf } from './iso-fields.js'
import {
  directoryOf,
  JOLIET,
  pathTable,
  PRIMARY,
  terminator,
  volumeDescriptor,
  type FileExtent,
  type IsoTree,
} from './iso-tree.js'

export interface IsoFile {
  /** Up to 28 letters, digits, dots, dashes and underscores. */
  readonly name: string
  readonly content: string
}

export interface IsoOptions {
  /** Up to 16 letters and digits, kept as they are written though the standard knows capitals only. */
  readonly label: string
}

/** Those who read it by Rock Ridge see files that only root may read. Throws a plain `Error` for unusable names. */
export function isoImage(files: readonly IsoFile[], { label }: IsoOptions): Buffer {
  checkNames(files, label)
  const contents = files.map(({ content }) => Buffer.from(content))
  const names = files.map(({ name }, index) => ({ name, sizeBytes: contents[index]?.length ?? 0 }))
  const { trees, extents, sectors } = planLayout(names)
  return Buffer.concat([
    Buffer.alloc(SYSTEM_AREA_SECTORS * SECTOR_BYTES),
    ...trees.map((tree) => volumeDescriptor(tree, { label, sectors })),
    terminator(),
    ...trees.flatMap((tree) => [pathTable(tree, 'LE'), pathTable(tree, 'BE')].map(padded)),
    ...trees.map((tree) => directoryOf(tree, extents)),
    ...contents.map(padded),
    Buffer.alloc(PADDING_SECTORS * SECTOR_BYTES),
  ])
}

const NAMINGS = [PRIMARY, JOLIET] as const
/** For boot loaders. */
const SYSTEM_AREA_SECTORS = 16
/** As mkisofs adds them: some read ahead over the last file, and busybox takes nothing below 68 KiB for a file system. */
const PADDING_SECTORS = 150

function checkNames(files: readonly IsoFile[], label: string): void {
  const wrong = files.find(({ name }) => !/^[\w.-]{1,28}$/.test(name))?.name
  if (wrong !== undefined) throw new Error(`not a name for a file of an ISO image: ${JSON.stringify(wrong)}`)
  if (!/^[A-Za-z0-9]{1,16}$/.test(label)) throw new Error(`not a label for an ISO image: ${JSON.stringify(label)}`)
}

interface Layout {
  readonly trees: readonly IsoTree[]
  readonly extents: readonly FileExtent[]
  readonly sectors: number
}

/** In this order: descriptors and their end, two path tables for each tree, directories, files. */
function planLayout(files: readonly Omit<FileExtent, 'sector'>[]): Layout {
  let next = SYSTEM_AREA_SECTORS + NAMINGS.length + 1
  const take = (sectors: number): number => {
    next += sectors
    return next - sectors
  }
  const tables = NAMINGS.map((naming) => ({ naming, pathTableSector: take(2) }))
  const unplaced = files.map((file) => ({ ...file, sector: 0 }))
  const trees = tables.map((table) => {
    const { length } = directoryOf({ ...table, sector: 0, sizeBytes: 0 }, unplaced)
    return { ...table, sizeBytes: length, sector: take(sectorsOf(length)) }
  })
  const extents = files.map((file) => ({ ...file, sector: take(sectorsOf(file.sizeBytes)) }))
  return { trees, extents, sectors: next + PADDING_SECTORS }
}
