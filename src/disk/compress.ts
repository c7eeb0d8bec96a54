/** Image files, compressed and unpacked again. */
import type { Task } from '../base/task.js'
import { createDigester, readChunks, type Digests } from './checksum.js'
import { compressor, type Compression } from './compression.js'
import { filtered } from './filter.js'
import { receiveImage, writeToDisk } from './receive.js'

/**
 * Compresses to `toPath`, replacing what is there; `fromPath` stays. Gives the digests of what was read, uncompressed.
 * Throws `LAGO_COMMAND_MISSING`, `LAGO_NO_SPACE`, `LAGO_COMMAND_FAILED`; then, or when aborted, a part may be at `toPath`.
 */
export async function compressFile(
  task: Task,
  fromPath: string,
  toPath: string,
  compression: Compression,
): Promise<Digests<'sha1' | 'sha256'>> {
  const digester = createDigester(['sha1', 'sha256'])
  const input = digester.observe(readChunks(task, fromPath))
  await writeToDisk(toPath, filtered(task, compressor(compression), input))
  return digester.digests()
}

/** The way back for an image, however it is compressed. Fails as `receiveImage` does. */
export async function decompressFile(task: Task, fromPath: string, toPath: string): Promise<void> {
  await receiveImage(task, readChunks(task, fromPath), toPath, { digests: [], from: fromPath })
}
