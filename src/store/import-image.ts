/** An image of the user's, or a distribution's by its URL, as a template of this host. */
import { stat } from 'node:fs/promises'
import { isSystemError, LagoError } from '../base/errors.js'
import { withLock } from '../base/lock.js'
import type { Task } from '../base/task.js'
import type { Downloader } from './download/types.js'
import { addImage, type FindParent } from './fetch.js'
import { digestsOf, openNamedFile, type NamedFile } from './remote-file.js'
import { ensureDir, storedTemplate } from './store.js'
import { storeFilesOf } from './store-files.js'
import { IMPORTED } from './templates.js'
import type { Metadata, StoredTemplate } from './types.js'

export interface ImportRequest extends NamedFile {
  readonly name: string
  readonly version: string
  readonly metadata: Metadata
}

const LOCK_WAIT_MS = 60_000

/**
 * Throws `LAGO_TEMPLATE_EXISTS`, `LAGO_USAGE` for a checksum that is none, `LAGO_TEMPLATE_REPO` for names that cannot be
 * in a store, `LAGO_DOWNLOAD`, `LAGO_OFFLINE`, and what adding an image throws.
 */
export async function importImage(
  task: Task,
  storeDir: string,
  request: ImportRequest,
  context: { readonly downloader: Downloader; readonly findParent: FindParent },
): Promise<StoredTemplate> {
  const ref = { repo: IMPORTED, name: request.name, version: request.version }
  const files = storeFilesOf(storeDir, ref)
  const digests = await digestsOf(task, context.downloader, request)
  await ensureDir(storeDir)
  const lock = { path: files.lock, what: `template ${files.key}`, waitMs: LOCK_WAIT_MS }
  return withLock(task, lock, async () => {
    await refuseExisting(files.image, files.key)
    await task.step(`Import image ${files.key}`, async (task) => {
      const file = await openNamedFile(task, context.downloader, request.from)
      const incoming = { key: files.key, file, digests, metadata: request.metadata, repository: IMPORTED }
      await addImage(task, incoming, files, context.findParent)
    })
    return storedTemplate(ref, files)
  })
}

async function refuseExisting(imagePath: string, key: string): Promise<void> {
  const found = await stat(imagePath).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  if (found === undefined) return
  throw new LagoError('LAGO_TEMPLATE_EXISTS', `template ${key} is in the store already`, {
    hint: `name another version with --version, or remove it: lago template prune ${key}`,
    data: { template: key, path: imagePath },
  })
}
