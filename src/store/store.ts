/**
 * The local template store: each template version once, verified, as a raw image (spec 4.3, 4.4). Upstream's files and
 * lock, so both programs can share a directory. Knows nothing of repositories beyond `TemplateVersion`.
 *
 * A version is in the store if and only if its image is; the image therefore comes last, by rename.
 */
import { access, constants, readFile, stat } from 'node:fs/promises'
import { isSystemError, LagoError } from '../base/errors.js'
import { makePassableDirs } from '../base/files.js'
import { withLock } from '../base/lock.js'
import type { Task } from '../base/task.js'
import { fetchTemplate } from './fetch.js'
import { requireSameOrigin } from './same-origin.js'
import { parseMetadata } from './published.js'
import { storeFilesOf, type StoreFiles } from './store-files.js'
import type { Metadata, StoredTemplate, TemplateRef, TemplateStore, TemplateUser, TemplateVersion } from './types.js'
import { noteUser } from './users.js'

export interface TemplateStoreOptions {
  /** Limit for the wait for another process that fetches the same template; default 30 minutes. */
  readonly lockWaitMs?: number
}

/**
 * The store in `dir` (absolute), which is made when the first template is fetched.
 *
 * `ensure` throws `LAGO_TEMPLATE_CHECKSUM` when the image is not the published one, `LAGO_TEMPLATE_IMAGE` when it cannot
 * stand alone, `LAGO_TEMPLATE_REPO` for names that cannot be in a store, `LAGO_TEMPLATE_CLASH` when there is another image
 * of that name, `LAGO_IMAGE_TOO_LARGE`, `LAGO_PERMISSION`, `LAGO_LOCKED`, `LAGO_NO_SPACE`, and what the source throws. A
 * failed, aborted or killed fetch never counts, and the next one starts anew.
 */
export function openTemplateStore(dir: string, options: TemplateStoreOptions = {}): TemplateStore {
  const find = async (ref: TemplateRef): Promise<StoredTemplate | undefined> => {
    const files = storeFilesOf(dir, ref)
    return (await exists(files.image)) ? storedTemplate(ref, files) : undefined
  }
  const ensure = async (
    task: Task,
    template: TemplateVersion,
    user: TemplateUser | undefined,
    above: readonly string[],
  ): Promise<StoredTemplate> => {
    const files = storeFilesOf(dir, template.ref)
    if (above.includes(files.key)) throw circle([...above, files.key])
    const cached = await find(template.ref)
    if (cached !== undefined && (user === undefined || !(await isWritable(dir))))
      return sameAs(task, template, files, cached)
    await ensureDir(dir)
    const lock = { path: files.lock, what: `template ${files.key}`, waitMs: options.lockWaitMs ?? LOCK_WAIT_MS }
    return withLock(task, lock, async () => {
      const isThere = await exists(files.image)
      if (!isThere) await fetchTemplate(task, template, files, findParent(task, template, [...above, files.key]))
      if (user !== undefined) await noteUser(files.users, user, Date.now())
      const stored = await storedTemplate(template.ref, files)
      return isThere ? sameAs(task, template, files, stored) : stored
    })
  }
  const findParent = (task: Task, template: TemplateVersion, above: readonly string[]) => {
    return async (name: string, version: string): Promise<string> =>
      (await ensure(task, template.sibling(name, version), undefined, above)).path
  }
  return { dir, find, ensure: async (task, template, user) => ensure(task, template, user, []) }
}

const LOCK_WAIT_MS = 30 * 60_000

async function sameAs(
  task: Task,
  template: TemplateVersion,
  files: StoreFiles,
  stored: StoredTemplate,
): Promise<StoredTemplate> {
  await requireSameOrigin(task, template, files)
  return stored
}

function circle(keys: readonly string[]): LagoError {
  return new LagoError(
    'LAGO_TEMPLATE_IMAGE',
    `templates are laid over each other in a circle: ${keys.join(' over ')}`,
    {
      hint: 'publish one of them standing alone: qemu-img convert -O qcow2 IMAGE NEW_IMAGE',
      data: { templates: keys },
    },
  )
}

export async function storedTemplate(ref: TemplateRef, files: StoreFiles): Promise<StoredTemplate> {
  return { ref, path: files.image, format: 'raw', metadata: await readStoredMetadata(files.metadata) }
}

/** An image that somebody put there by hand may have none. */
async function readStoredMetadata(metadataPath: string): Promise<Metadata> {
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

/** In one that others keep for us, nothing is noted down; they know what it is for. */
async function isWritable(dir: string): Promise<boolean> {
  return access(dir, constants.W_OK).then(
    () => true,
    () => false,
  )
}

/** Made, and known to be writable before anything is fetched. */
export async function ensureDir(dir: string): Promise<void> {
  try {
    await makePassableDirs(dir)
    await access(dir, constants.W_OK)
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'EEXIST', 'ENOENT', 'ENOTDIR')) throw error
    throw new LagoError('LAGO_PERMISSION', `the template store ${dir} cannot be written to: ${error.code}`, {
      hint: `sudo install -d -o "$USER" ${dir}, or choose another with --template-store`,
      data: { path: dir },
      cause: error,
    })
  }
}
