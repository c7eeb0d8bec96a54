/** `stable/X.0/announced.json`: which releases were announced, so that no list gets a mail twice. */
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { isSystemError, LagoError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'

export interface Sending {
  /** `X.Y.Z`. */
  readonly version: string
  readonly release: string
  /** ISO 8601 in UTC. */
  readonly begunAt: string
  readonly to: string
  readonly server: string
  readonly messageId: string
  /** False: whether it arrived is not known, as after a run that was killed. */
  readonly isDone: boolean
}

export const ANNOUNCED = 'announced.json'

const announced = z.object({
  format: z.literal(1),
  sendings: z.array(
    z.object({
      version: z.string(),
      release: z.string(),
      begunAt: z.iso.datetime(),
      to: z.string(),
      server: z.string(),
      messageId: z.string(),
      isDone: z.boolean(),
    }),
  ),
})

/** Of `dir`, a `stable/X.0`; newest first. Throws `LAGO_RELEASE_TREE` for a file that cannot be understood. */
export async function readSendings(dir: string): Promise<readonly Sending[]> {
  const filePath = path.join(dir, ANNOUNCED)
  try {
    return announced.parse(JSON.parse(await readFile(filePath, 'utf8'))).sendings
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    if (isSystemError(error, 'EACCES', 'EISDIR', 'EIO')) throw error
    throw new LagoError('LAGO_RELEASE_TREE', `${filePath} cannot be understood`, {
      hint: 'look in the archive of the list for what was announced, then remove the file',
      cause: error,
    })
  }
}

export async function writeSendings(dir: string, sendings: readonly Sending[]): Promise<void> {
  const filePath = path.join(dir, ANNOUNCED)
  if (sendings.length === 0) return rm(filePath, { force: true })
  await writeFileAtomic(filePath, `${JSON.stringify({ format: 1, sendings }, undefined, 2)}\n`)
}
