/**
 * The local template store: each template version once, verified, as a raw image (spec 4.3, 4.4). Upstream's files and
 * lock, so both programs can share a directory. Knows nothing of repositories beyond `TemplateSource`.
 *
 * A version is in the store if and only if its image is; the image therefore comes last, by rename.
 */
import { access, chmod, constants, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../base/errors.js'
import { writeFileAtomic, writeJsonAtomic } from '../base/files.js'
import { withLock } from '../base/lock.js'
import type { Task } from '../base/task.js'
import { convertImage, readImageInfo } from '../disk/qemu-img.js'
import { storeKeyOf } from './key.js'
import { parseMetadata } from './source-file.js'
import type { StoredTemplate, TemplateRef, TemplateStore, TemplateVersion } from './types.js'

export interface TemplateStoreOptions {
  /** Limit for the wait for another process that fetches the same template; default 30 minutes. */
  readonly lockWaitMs?: number
}

/**
 * The store in `dir` (absolute), which is made when the first template is fetched.
 *
 * `ensure` throws `LAGO_TEMPLATE_CHECKSUM` when the image is not the published one, `LAGO_TEMPLATE_IMAGE` when it needs
 * other files, `LAGO_TEMPLATE_REPO` for names that cannot be in a store, `LAGO_PERMISSION`, `LAGO_LOCKED`,
 * `LAGO_NO_SPACE`, and what the source throws. A failed, aborted or killed fetch never counts, and the next one
 * starts anew.
 */
export function openTemplateStore(dir: string, options: TemplateStoreOptions = {}): TemplateStore {
  const find = async (ref: TemplateRef): Promise<StoredTemplate | undefined> => {
    const files = storeFilesOf(dir, ref)
    return (await exists(files.image)) ? storedTemplate(ref, files) : undefined
  }
  return {
    find,
    async ensure(task, template) {
      const cached = await find(template.ref)
      if (cached !== undefined) return cached
      const files = storeFilesOf(dir, template.ref)
      await ensureDir(dir)
      const lock = { path: files.lock, what: `template ${files.key}`, waitMs: options.lockWaitMs ?? LOCK_WAIT_MS }
      return withLock(task, lock, async () => {
        if (!(await exists(files.image))) await addTemplate(task, template, files)
        return storedTemplate(template.ref, files)
      })
    },
  }
}

const LOCK_WAIT_MS = 30 * 60_000

interface StoreFiles {
  readonly key: string
  readonly image: string
  readonly hash: string
  readonly metadata: string
  readonly lock: string
  /** As downloaded; upstream's name. */
  readonly download: string
  readonly converted: string
}

function storeFilesOf(dir: string, ref: TemplateRef): StoreFiles {
  const key = storeKeyOf(ref)
  const image = path.join(dir, key)
  return {
    key,
    image,
    hash: `${image}.hash`,
    metadata: `${image}.metadata`,
    lock: `${image}.lock`,
    download: `${image}.tmp`,
    converted: `${image}.raw.tmp`,
  }
}

/** The names of unfinished files are fixed, so that what a killed process left is overwritten; the lock guards them. */
async function addTemplate(task: Task, template: TemplateVersion, files: StoreFiles): Promise<void> {
  task.log('info', `Template ${files.key} not in cache, downloading`)
  try {
    const { sha1, metadata } = await task.step(`Download image ${template.handle}`, async (task) =>
      download(task, template, files),
    )
    await task.step('Convert image', async (task) => convert(task, files))
    await writeFileAtomic(files.hash, sha1)
    await writeJsonAtomic(files.metadata, metadata)
    await rename(files.converted, files.image)
  } catch (error) {
    for (const filePath of [files.hash, files.metadata]) await rm(filePath, { force: true })
    throw error
  } finally {
    for (const filePath of [files.download, files.converted]) await rm(filePath, { force: true })
  }
}

async function download(
  task: Task,
  { source, handle }: TemplateVersion,
  files: StoreFiles,
): Promise<{ readonly sha1: string; readonly metadata: Readonly<Record<string, unknown>> }> {
  const digests = await source.digests(task, handle)
  const published = digests.image.sha1
  const metadata = await source.metadata(task, handle)
  const { sha1 = '' } = (await source.fetch(task, handle, files.download, { digests, maxBytes: undefined })).image
  if (sha1 === published) return { sha1, metadata }
  throw new LagoError(
    'LAGO_TEMPLATE_CHECKSUM',
    `image ${files.key} does not match the expected hash: it has ${sha1}, published is ${published}`,
    {
      hint: 'the image or its .hash file is damaged at the source; nothing was kept',
      data: { template: files.key, sha1, published },
    },
  )
}

/** To a raw file that is complete on the disk before it gets its name. */
async function convert(task: Task, files: StoreFiles): Promise<void> {
  const info = await readImageInfo(task, files.download)
  const needed = info.backingPath ?? info.dataPath
  if (needed !== undefined)
    throw new LagoError('LAGO_TEMPLATE_IMAGE', `image ${files.key} needs another file, ${needed}`, {
      hint: 'publish it standing alone: qemu-img convert -O qcow2 IMAGE NEW_IMAGE',
      data: { template: files.key, needed },
    })
  await convertImage(task, { path: files.download, format: info.format }, { path: files.converted, format: 'raw' })
  await chmod(files.converted, 0o444)
  await sync(files.converted)
}

async function sync(filePath: string): Promise<void> {
  const file = await open(filePath, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function storedTemplate(ref: TemplateRef, files: StoreFiles): Promise<StoredTemplate> {
  return { ref, path: files.image, format: 'raw', metadata: await readMetadata(files.metadata) }
}

/** An image that somebody put there by hand may have none. */
async function readMetadata(metadataPath: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(metadataPath, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return '{}'
    throw error
  })
  return parseMetadata(
    text,
    (why) =>
      new LagoError('LAGO_TEMPLATE_IMAGE', `${metadataPath} in the template store ${why}`, {
        hint: `mend it, or remove the files ${metadataPath.slice(0, -'.metadata'.length)}* to have the template fetched again`,
        data: { path: metadataPath },
      }),
  )
}

async function exists(filePath: string): Promise<boolean> {
  try {
    await stat(filePath)
    return true
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

/** Made, and known to be writable before anything is fetched. */
async function ensureDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true })
    await access(dir, constants.W_OK)
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'EEXIST', 'ENOTDIR')) throw error
    throw new LagoError('LAGO_PERMISSION', `the template store ${dir} cannot be written to: ${error.code}`, {
      hint: `sudo install -d -o "$USER" ${dir}, or choose another with --template-store`,
      data: { path: dir },
      cause: error,
    })
  }
}
