/** Images in compressed files, by the system's xz and zstd, which use all cores. */
import { open, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isSystemError, LagoError, NO_SPACE_HINT } from '../base/errors.js'
import { startProgram } from '../base/process.js'
import { writeSparse } from '../base/sparse-file.js'
import type { Task } from '../base/task.js'
import { createDigester, readChunks, type Digests } from './checksum.js'

export type Compression = 'xz' | 'zstd'

interface CompressionFacts {
  readonly suffix: string
  /** The first bytes of every such file. */
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
}

export const COMPRESSION_NAMES = Object.keys(COMPRESSIONS) as readonly Compression[] // its keys are of that type

export function suffixOf(compression: Compression): string {
  return COMPRESSIONS[compression].suffix
}

/** How the file is compressed; undefined: it is not, or its name does not say so, or it is not there. */
export async function compressionOf(filePath: string): Promise<Compression | undefined> {
  const named = COMPRESSION_NAMES.find((name) => filePath.endsWith(COMPRESSIONS[name].suffix))
  if (named === undefined || !(await isFile(filePath))) return undefined
  const { magic } = COMPRESSIONS[named]
  return (await firstBytes(filePath, magic.length / 2)) === magic ? named : undefined
}

/**
 * Compresses to `toPath`, replacing what is there; `fromPath` stays. Gives the digests of what was read, uncompressed.
 * Throws `LAGO_COMMAND_MISSING`, `LAGO_NO_SPACE`, `LAGO_COMMAND_FAILED`; then, or when aborted, a part may be at `toPath`.
 */
export async function compressFile(
  task: Task,
  fromPath: string,
  toPath: string,
  compression: Compression,
): Promise<Digests> {
  const { compress, package: from } = COMPRESSIONS[compression]
  const digester = createDigester()
  await filter(task, { argv: compress, package: from }, digester.observe(readChunks(task, fromPath)), toPath)
  return digester.digests()
}

/** The way back, holes for zeros. Gives the digests of what was written. Fails as `compressFile` does. */
export async function decompressFile(
  task: Task,
  fromPath: string,
  toPath: string,
  compression: Compression,
): Promise<Digests> {
  const { decompress, package: from } = COMPRESSIONS[compression]
  const digester = createDigester()
  const program = { argv: decompress, package: from }
  await filter(task, program, readChunks(task, fromPath), toPath, (chunks) => digester.observe(chunks))
  return digester.digests()
}

interface Filter {
  readonly argv: readonly [string, ...string[]]
  readonly package: string
}

/** `input` through the program into a new file. */
async function filter(
  task: Task,
  { argv, package: from }: Filter,
  input: AsyncIterable<Buffer>,
  toPath: string,
  observe: (chunks: AsyncIterable<Buffer>) => AsyncIterable<Buffer> = (chunks) => chunks,
): Promise<void> {
  task.signal.throwIfAborted()
  task.log('debug', `run: ${argv.join(' ')} > ${toPath}`)
  const program = startProgram(argv, { package: from })
  const kill = (): void => program.end('SIGKILL')
  task.signal.addEventListener('abort', kill)
  const complaints: Buffer[] = []
  program.stderr.on('data', (chunk: Buffer) => complaints.push(chunk))
  try {
    const [fed, written] = await Promise.allSettled([
      pipeline(Readable.from(input, { objectMode: false }), program.stdin, { signal: task.signal }),
      writeToDisk(toPath, observe(program.stdout)).catch((error: unknown) => {
        program.end() // or it would wait for somebody to read
        throw error
      }),
    ])
    const exitCode = await program.ended
    task.signal.throwIfAborted()
    if (written.status === 'rejected') throw explainWriteError(written.reason, toPath)
    if (exitCode !== 0) throw filterFailed(argv, exitCode, Buffer.concat(complaints).toString())
    if (fed.status === 'rejected') throw fed.reason
  } finally {
    task.signal.removeEventListener('abort', kill)
    if (!program.hasEnded) kill()
  }
}

async function writeToDisk(filePath: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  const file = await open(filePath, 'w')
  try {
    await writeSparse(file, chunks)
    await file.sync()
  } finally {
    await file.close()
  }
}

function explainWriteError(error: unknown, toPath: string): unknown {
  if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) return error
  return new LagoError('LAGO_NO_SPACE', `the disk is full: could not write ${toPath}`, {
    hint: NO_SPACE_HINT,
    data: { path: toPath },
    cause: error,
  })
}

function filterFailed(argv: readonly string[], exitCode: number, stderr: string): LagoError {
  const tail = stderr.trim().split('\n').slice(-5).join('\n')
  return new LagoError('LAGO_COMMAND_FAILED', `${argv.join(' ')} ended with exit code ${exitCode}: ${tail}`, {
    data: { argv, exitCode, stderr: tail },
  })
}

async function isFile(filePath: string): Promise<boolean> {
  return stat(filePath).then(
    (found) => found.isFile(),
    () => false,
  )
}

async function firstBytes(filePath: string, count: number): Promise<string> {
  const file = await open(filePath, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0)
    return buffer.subarray(0, bytesRead).toString('hex')
  } finally {
    await file.close()
  }
}
