/** A directory that any web server can serve, or any host mount, as a template repository (spec 4.1, 4.2). */
import { chmod, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { writeFileAtomic, writeJsonAtomic } from '../base/files.js'
import { publishFiles } from '../base/publish-files.js'
import type { Task } from '../base/task.js'
import { digestFile } from '../disk/checksum.js'
import { compressFile } from '../disk/compress.js'
import { suffixOf, type Compression } from '../disk/compression.js'
import { convertImage } from '../disk/qemu-img.js'
import { objectAt, parseRepository, type JsonObject } from './repository-file.js'
import { storedTemplate } from './store.js'
import type { StoredInfo } from './stored.js'
import { verifyOne } from './verify.js'

export interface PublishRequest {
  /** Absolute; made when it is not there, but not its parents. */
  readonly dir: string
  /** Name of the repository, when there is none in the directory yet. */
  readonly name: string
  readonly compress: Compression | undefined
  /** Replace images of the same names. */
  readonly force: boolean
}

export const REPOSITORY_FILE = 'template-repo.json'
/** The one source of a published repository: whatever stands beside its file. */
const SOURCE = 'here'

/**
 * Writes the images as qcow2, with hashes and metadata, and adds them to the repository file, which comes last. Its
 * source is relative to the file, so that the directory can be served, moved or mounted as it is. Gives the path of the
 * repository file. Throws `LAGO_EXPORT_EXISTS`, `LAGO_TEMPLATE_REPO` for a repository file that is damaged,
 * `LAGO_TEMPLATE_IMAGE` for a damaged image, `LAGO_NO_SPACE`; then nothing is published.
 */
export async function publishTemplates(
  task: Task,
  stored: readonly StoredInfo[],
  request: PublishRequest,
): Promise<string> {
  const filePath = path.join(request.dir, REPOSITORY_FILE)
  const before = await readBefore(filePath, request.name)
  const names = stored.flatMap((info) => fileNames(info, request))
  const published = await publishFiles(task, { ...request, names }, async (toDir) =>
    fanOut(task, stored, async (info, task) => publishOne(task, info, toDir, request), { limit: 1 }),
  )
  await writeJsonAtomic(filePath, withVersions(filePath, before, published))
  return filePath
}

interface PublishedVersion {
  readonly info: StoredInfo
  readonly sha256: string
}

function handleOf({ ref }: StoredInfo): string {
  return `${ref.name}-${ref.version}.qcow2`
}

function fileNames(info: StoredInfo, { compress }: PublishRequest): readonly string[] {
  const handle = handleOf(info)
  const image = compress === undefined ? handle : `${handle}${suffixOf(compress)}`
  return [image, `${handle}.hash`, `${handle}.sha256`, `${handle}.metadata`]
}

async function publishOne(
  task: Task,
  info: StoredInfo,
  toDir: string,
  { compress }: PublishRequest,
): Promise<PublishedVersion> {
  return task.step(`Publish ${info.files.key}`, async (task) => {
    const imagePath = path.join(toDir, handleOf(info))
    await requireIntact(task, info)
    await convertImage(task, { path: info.files.image, format: 'raw' }, { path: imagePath, format: 'qcow2' })
    const digests =
      compress === undefined
        ? await digestFile(task, imagePath, ['sha1', 'sha256'])
        : await compressFile(task, imagePath, `${imagePath}${suffixOf(compress)}`, compress)
    const { size } = await stat(imagePath)
    if (compress !== undefined) await rm(imagePath)
    await chmod(compress === undefined ? imagePath : `${imagePath}${suffixOf(compress)}`, 0o644)
    const { metadata } = await storedTemplate(info.ref, info.files)
    await writeFileAtomic(`${imagePath}.hash`, digests.sha1)
    await writeFileAtomic(`${imagePath}.sha256`, digests.sha256)
    await writeJsonAtomic(`${imagePath}.metadata`, { ...metadata, sha1: digests.sha1, size })
    return { info, sha256: digests.sha256 }
  })
}

/** Who fetches it is told that it is as it should be. */
async function requireIntact(task: Task, info: StoredInfo): Promise<void> {
  if ((await verifyOne(task, info)) !== 'damaged') return
  const { key } = info.files
  throw new LagoError('LAGO_TEMPLATE_IMAGE', `template ${key} is damaged: it is not what was put into the store`, {
    hint: `lago template prune ${key}, then fetch or import it anew`,
    data: { template: key },
  })
}

interface RepositoryContent {
  readonly name: string
  readonly templates: JsonObject
  readonly sources: JsonObject
}

async function readBefore(filePath: string, name: string): Promise<RepositoryContent> {
  const text = await readFile(filePath, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  return text === undefined ? { name, templates: {}, sources: {} } : parseRepository(filePath, text)
}

function withVersions(
  filePath: string,
  { name, templates, sources }: RepositoryContent,
  published: readonly PublishedVersion[],
): object {
  const merged: Record<string, unknown> = { ...templates }
  for (const { info, sha256 } of published) {
    const { ref, storedAtMs } = info
    const before = objectAt(filePath, `templates.${ref.name}`, merged[ref.name] ?? {})
    const versions = objectAt(filePath, `templates.${ref.name}.versions`, before['versions'] ?? {})
    const version = { source: SOURCE, handle: handleOf(info), timestamp: Math.floor(storedAtMs / 1000), sha256 }
    merged[ref.name] = { ...before, versions: { ...versions, [ref.version]: version } }
  }
  return { name, templates: merged, sources: { ...sources, [SOURCE]: { type: 'file', args: { root: '.' } } } }
}
