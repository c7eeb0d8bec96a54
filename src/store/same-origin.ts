/** Two repositories may bear one name; what one of them has put into the store is not the other's template. */
import { readFile } from 'node:fs/promises'
import { isLagoError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { readOrigin, type Origin } from './origin.js'
import { readPublished } from './published.js'
import type { StoreFiles } from './store-files.js'
import type { PublishedDigest, TemplateVersion } from './types.js'

/**
 * Asks the source only when the image came from another repository than the one it is now wanted from.
 * Throws `LAGO_TEMPLATE_CLASH` when they differ. A source that cannot be asked is told as a warning.
 */
export async function requireSameOrigin(task: Task, wanted: TemplateVersion, files: StoreFiles): Promise<void> {
  const origin = await readOrigin(files.origin)
  if (origin?.repository === undefined || origin.repository === wanted.repository) return
  const published = await publishedNow(task, wanted, files.key)
  if (published === undefined) return
  const sha1 = (await readFile(files.hash, 'utf8').catch(() => '')).trim()
  const known = [...origin.digests, { name: 'sha1', hex: sha1 }]
  const comparable = published.filter(({ name }) => known.some((digest) => digest.name === name && digest.hex !== ''))
  const isSame = comparable.some(({ name, hex }) => known.some((digest) => digest.name === name && digest.hex === hex))
  if (comparable.length > 0 && !isSame) throw clash(files.key, origin, wanted)
}

async function publishedNow(
  task: Task,
  wanted: TemplateVersion,
  key: string,
): Promise<readonly PublishedDigest[] | undefined> {
  try {
    return (await readPublished(task, wanted)).digests
  } catch (error) {
    if (!isLagoError(error, 'LAGO_DOWNLOAD') && !isLagoError(error, 'LAGO_OFFLINE')) throw error
    task.log('warning', `template ${key} is used as it is in the store; it could not be compared: ${error.message}`)
    return undefined
  }
}

function clash(key: string, origin: Origin, { repository }: TemplateVersion): LagoError {
  return new LagoError(
    'LAGO_TEMPLATE_CLASH',
    `template ${key} in the store is that of ${origin.repository}, and another than that of ${repository}`,
    {
      hint: 'two repositories bear one name: rename one, use a store for each (--template-store), or remove it: lago template prune',
      data: { template: key, stored: origin.repository, wanted: repository },
    },
  )
}
