/** Are the images in the store what they were when they were put there? */
import { readFile } from 'node:fs/promises'
import { isSystemError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { digestFile } from '../disk/checksum.js'
import { contentDigest } from '../disk/content-digest.js'
import type { StoredInfo } from './stored.js'

/** `unknown`: another program has converted it, and left nothing to compare with. */
export type Verdict = 'intact' | 'damaged' | 'unknown'

/** By key. Each is read once, one after the other: they share a disk. */
export async function verifyStored(task: Task, stored: readonly StoredInfo[]): Promise<ReadonlyMap<string, Verdict>> {
  const verdicts = await fanOut(
    task,
    stored,
    async (info, task) =>
      task.step(`Verify ${info.files.key}`, async (task) => [info.files.key, await verifyOne(task, info)] as const),
    { limit: 1 },
  )
  return new Map(verdicts)
}

export async function verifyOne(task: Task, { files, origin }: StoredInfo): Promise<Verdict> {
  if (origin !== undefined) return (await contentDigest(task, files.image)) === origin.content ? 'intact' : 'damaged'
  // an image that was published raw is stored as it came, so its hash is that of the image
  const published = await readFile(files.hash, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  const { sha1 } = published === undefined ? { sha1: '' } : await digestFile(task, files.image, ['sha1'])
  return sha1 !== '' && sha1 === published?.trim() ? 'intact' : 'unknown'
}
