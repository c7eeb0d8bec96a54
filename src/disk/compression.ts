/** The ways in which images come compressed: told by their first bytes, worked by the system's programs. */
import { open } from 'node:fs/promises'
import { isSystemError } from '../base/errors.js'
import type { FilterProgram } from './filter.js'

export type Compression = 'xz' | 'zstd' | 'gzip'

interface CompressionFacts {
  readonly suffix: string
  /** The first bytes of every such file, in hex. */
  readonly magic: string
  readonly package: string
  readonly compress: readonly [string, ...string[]]
  readonly decompress: readonly [string, ...string[]]
}

const COMPRESSIONS: Readonly<Record<Compression, CompressionFacts>> = {
  xz: {
    suffix: '.xz',
    magic: 'fd377a585a00', // The .xz File Format, 2.1.1.1
    package: 'xz-utils',
    compress: ['xz', '--compress', '--stdout', '--quiet', '--threads=0'],
    decompress: ['xz', '--decompress', '--stdout', '--quiet', '--threads=0'],
  },
  zstd: {
    suffix: '.zst',
    magic: '28b52ffd', // RFC 8878, 3.1.1
    package: 'zstd',
    compress: ['zstd', '--compress', '--stdout', '--quiet', '--threads=0'],
    decompress: ['zstd', '--decompress', '--stdout', '--quiet'],
  },
  gzip: {
    suffix: '.gz',
    magic: '1f8b08', // RFC 1952, 2.3.1
    package: 'gzip',
    compress: ['gzip', '--stdout', '--quiet'],
    decompress: ['gzip', '--decompress', '--stdout', '--quiet'],
  },
}

const ALL = Object.keys(COMPRESSIONS) as readonly Compression[] // its keys are of that type

/** Those that an export is written in: good ones, by all cores. */
export const EXPORT_COMPRESSIONS = ['xz', 'zstd'] as const satisfies readonly Compression[]
export type ExportCompression = (typeof EXPORT_COMPRESSIONS)[number]

/** The suffixes under which an image may be found that is not there under its own name. */
export const COMPRESSED_SUFFIXES = ALL.map(suffixOf)

export function suffixOf(compression: Compression): string {
  return COMPRESSIONS[compression].suffix
}

export function withoutSuffix(name: string): string {
  const suffix = COMPRESSED_SUFFIXES.find((suffix) => name.endsWith(suffix))
  return suffix === undefined ? name : name.slice(0, -suffix.length)
}

export function compressor(compression: Compression): FilterProgram {
  const { compress: argv, package: from } = COMPRESSIONS[compression]
  return { argv, package: from }
}

export function decompressor(compression: Compression): FilterProgram {
  const { decompress: argv, package: from } = COMPRESSIONS[compression]
  return { argv, package: from }
}

/** The longest magic. */
const SNIFFED_BYTES = 6

/** Undefined: what begins so is not compressed. */
export function sniffCompression(head: Buffer): Compression | undefined {
  const hex = head.toString('hex', 0, SNIFFED_BYTES)
  return ALL.find((name) => hex.startsWith(COMPRESSIONS[name].magic))
}

/** Undefined as well when there is no such file. */
export async function compressionOf(filePath: string): Promise<Compression | undefined> {
  const file = await open(filePath, 'r').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
  if (file === undefined) return undefined
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0)
    return sniffCompression(buffer.subarray(0, bytesRead))
  } catch (error) {
    if (isSystemError(error, 'EISDIR')) return undefined
    throw error
  } finally {
    await file.close()
  }
}
