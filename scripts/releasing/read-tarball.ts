/** Tarballs, compressed by gzip, read to their ends without being unpacked. */
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { Parser } from 'tar'
import { z } from 'zod'
import { isSystemError, messageOf } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'

export interface Tarball {
  /** Why it is none, or no whole one; undefined: it is whole. */
  readonly problem: string | undefined
  /** Of the member that was asked for; undefined: there is none. */
  readonly text: string | undefined
}

/** `file` is absolute; `member` is a small one. Throws the system's errors for what cannot be read. */
export async function readTarball(task: Task, file: string, member?: string): Promise<Tarball> {
  const problems: string[] = []
  let pieces: Buffer[] | undefined
  const parser = new Parser({
    filter: (name) => name === member,
    onwarn: (_, message) => void problems.push(messageOf(message)),
    onReadEntry: (entry) => {
      const own: Buffer[] = (pieces = [])
      entry.on('data', (piece: Buffer) => void own.push(piece))
    },
  })
  const parse = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) parser.write(chunk)
    parser.end()
  }
  try {
    await pipeline(createReadStream(file), createGunzip(), parse, { signal: task.signal })
  } catch (error) {
    if (!isOfZlib(error)) throw error
    problems.unshift(error.message)
  }
  return { problem: problems[0], text: pieces && Buffer.concat(pieces).toString() }
}

function isOfZlib(error: unknown): error is Error {
  return isSystemError(error, 'Z_BUF_ERROR', 'Z_DATA_ERROR')
}

const manifest = z.object({ name: z.string(), version: z.string() })

/** As npm-pack(1) names the file, by what is in package.json: `@scope/name` is `scope-name` there. */
export function ownNameOfNpm(manifestText: string): string | undefined {
  try {
    const { name, version } = manifest.parse(JSON.parse(manifestText))
    return `${name.replace(/^@/, '').replace('/', '-')}-${version}.tgz`
  } catch {
    return undefined
  }
}
