/** An image of the user's, or a distribution's by its URL, as a template of this host. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../base/errors.js'
import { withLock } from '../base/lock.js'
import type { Task } from '../base/task.js'
import { withoutSuffix } from '../disk/compression.js'
import { digestNameOf } from './digests.js'
import { addImage, type FindParent } from './fetch.js'
import { createFileSource } from './source-file.js'
import { createHttpSource } from './source-http.js'
import { isUrl, type SourceContext } from './source.js'
import { ensureDir, storedTemplate } from './store.js'
import { storeFilesOf } from './store-files.js'
import { sumsOf } from './sums-file.js'
import { IMPORTED } from './templates.js'
import type { Metadata, PublishedDigest, SourceFile, StoredTemplate } from './types.js'

export interface ImportRequest {
  readonly name: string
  readonly version: string
  /** Absolute path, or a URL of http or https. */
  readonly from: string
  /** Hex digits, with or without the name in front (`sha256:`), or where a file with sums is: a path or a URL. */
  readonly checksum: string | undefined
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
  context: Pick<SourceContext, 'downloader'> & { readonly findParent: FindParent },
): Promise<StoredTemplate> {
  const ref = { repo: IMPORTED, name: request.name, version: request.version }
  const files = storeFilesOf(storeDir, ref)
  const digests = await wantedDigests(task, request, context)
  await ensureDir(storeDir)
  const lock = { path: files.lock, what: `template ${files.key}`, waitMs: LOCK_WAIT_MS }
  return withLock(task, lock, async () => {
    await refuseExisting(files.image, files.key)
    await task.step(`Import image ${files.key}`, async (task) => {
      const file = await openPlace(task, request.from, context)
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

async function openPlace(task: Task, from: string, context: Pick<SourceContext, 'downloader'>): Promise<SourceFile> {
  const { source, handle } = placeOf(from, context)
  const file = await source.open(task, handle)
  if (file !== undefined) return file
  throw new LagoError('LAGO_DOWNLOAD', `image ${source.describe(handle)} does not exist`, { data: { from } })
}

function placeOf(
  from: string,
  { downloader }: Pick<SourceContext, 'downloader'>,
): { readonly source: ReturnType<typeof createFileSource>; readonly handle: string } {
  if (!isUrl(from)) return { source: createFileSource(path.dirname(from)), handle: path.basename(from) }
  if (!/^https?:/i.test(from))
    throw new LagoError('LAGO_USAGE', `cannot fetch ${from}: only http and https are known`, { data: { from } })
  const at = from.lastIndexOf('/')
  return { source: createHttpSource(downloader, [from.slice(0, at)]), handle: decodeURIComponent(from.slice(at + 1)) }
}

async function wantedDigests(
  task: Task,
  { from, checksum }: ImportRequest,
  context: Pick<SourceContext, 'downloader'>,
): Promise<readonly PublishedDigest[]> {
  if (checksum === undefined) return []
  const hex = checksum.replace(/^sha(1|256|512):/i, '').toLowerCase()
  const name = digestNameOf(hex)
  if (name !== undefined) return [{ name, hex, of: 'either', from: '--checksum' }]
  const { source, handle } = placeOf(checksum, context)
  const text = await source.text(task, handle)
  const place = source.describe(handle)
  if (text === undefined)
    throw new LagoError('LAGO_USAGE', `the checksum ${checksum} is neither hex digits nor a file with sums`, {
      hint: '--checksum sha256:HEX, or the path or URL of a file such as SHA256SUMS',
      data: { checksum },
    })
  const fileName = path.basename(placeOf(from, context).handle)
  const sums = [fileName, withoutSuffix(fileName)].flatMap((name) => sumsOf(text, name))
  if (sums.length > 0) return sums.map((sum) => ({ ...sum, of: 'either', from: place }))
  throw new LagoError('LAGO_DOWNLOAD', `${place} has no sum of ${fileName}`, {
    hint: 'is it the right file, and of the same version?',
  })
}
