/** One template version into the store: fetched, verified, converted, and there by its last rename (spec 4.4). */
import { chmod, open, rename, rm, statfs } from 'node:fs/promises'
import path from 'node:path'
import { LagoError, NO_SPACE_HINT } from '../base/errors.js'
import { writeFileAtomic, writeJsonAtomic } from '../base/files.js'
import type { Task } from '../base/task.js'
import type { DigestName } from '../disk/checksum.js'
import { contentDigest } from '../disk/content-digest.js'
import { readImageHeader, type ImageHeader } from '../disk/image-header.js'
import { convertImage, findDamage, writeBackingName } from '../disk/qemu-img.js'
import { receiveImage, type Received } from '../disk/receive.js'
import { requireDigests, wantedNames } from './digests.js'
import { writeOrigin } from './origin.js'
import { parentNameOf } from './parent.js'
import { readPublished } from './published.js'
import type { StoreFiles } from './store-files.js'
import type { Metadata, PublishedDigest, SourceFile, TemplateVersion } from './types.js'

/** An image to be put into the store, wherever it comes from. */
export interface Incoming {
  /** `R:T:V`, for messages. */
  readonly key: string
  readonly file: SourceFile
  readonly digests: readonly PublishedDigest[]
  readonly metadata: Metadata
  /** Path or URL of the repository file. */
  readonly repository?: string
}

/** Path of the template `T:V` in the store, for an image that is a layer over it; it is fetched when it has to be. */
export type FindParent = (template: string, version: string) => Promise<string>

export async function fetchTemplate(
  task: Task,
  version: TemplateVersion,
  files: StoreFiles,
  findParent: FindParent,
): Promise<void> {
  task.log('info', `Template ${files.key} not in cache, downloading`)
  const published = await readPublished(task, version)
  await task.step(`Download image ${version.handle}`, async (task) => {
    const incoming = {
      ...published,
      key: files.key,
      file: await openImage(task, version),
      repository: version.repository,
    }
    await addImage(task, incoming, files, findParent)
  })
}

async function openImage(task: Task, { source, handle }: TemplateVersion): Promise<SourceFile> {
  for (const suffix of source.suffixes) {
    const file = await source.open(task, `${handle}${suffix}`)
    if (file !== undefined) return file
  }
  throw new LagoError('LAGO_DOWNLOAD', `template file ${source.describe(handle)} does not exist`, {
    hint: `nor is it there as ${source.suffixes.filter((suffix) => suffix !== '').join(', ')}; is the repository up to date?`,
  })
}

/**
 * With the template's lock held. The names of unfinished files are fixed, so that what a killed process left is
 * overwritten. The image comes last, by rename: it is what says that the template is there.
 */
export async function addImage(
  task: Task,
  incoming: Incoming,
  files: StoreFiles,
  findParent: FindParent,
): Promise<void> {
  await using _file = incoming.file
  try {
    await requireSpace(incoming, files)
    const received = await receive(task, incoming, files)
    await task.step('Convert image', async (task) => convert(task, incoming.key, files, findParent))
    const [content] = await Promise.all([
      received.content ?? contentDigest(task, files.converted), // a raw image is stored as it came
      sync(files.converted),
    ])
    const { digests, repository, file, metadata } = incoming
    await writeFileAtomic(files.hash, received.image.sha1)
    await writeJsonAtomic(files.metadata, metadata)
    await writeOrigin(files.origin, {
      ...(repository === undefined ? {} : { repository }),
      image: file.place,
      digests: digests.map(({ name, hex }) => ({ name, hex })),
      content,
      storedAtMs: Date.now(),
    })
    await rename(files.converted, files.image)
  } catch (error) {
    for (const filePath of [files.hash, files.metadata, files.origin]) await rm(filePath, { force: true })
    throw error
  } finally {
    for (const filePath of [files.download, files.converted]) await rm(filePath, { force: true })
  }
}

async function receive(
  task: Task,
  { key, file, digests, metadata }: Incoming,
  files: StoreFiles,
): Promise<Received<DigestName>> {
  const names = wantedNames(digests)
  const announced = metadata['size']
  const sizeBytes = typeof announced === 'number' && announced > 0 ? announced : undefined
  const received = await receiveImage(task, file.chunks, files.download, {
    digests: names,
    sizeBytes,
    from: file.place,
    withContent: true,
  })
  requireDigests(`image ${key}`, digests, received)
  return received
}

/** As much as is known of it before it comes. */
async function requireSpace({ key, file }: Incoming, files: StoreFiles): Promise<void> {
  const dir = path.dirname(files.download)
  const { bavail, bsize } = await statfs(dir)
  const [needed, free] = [file.sizeBytes ?? 0, bavail * bsize]
  if (needed <= free) return
  throw new LagoError('LAGO_NO_SPACE', `image ${key} needs ${needed} bytes in ${dir}, where ${free} are free`, {
    hint: NO_SPACE_HINT,
    data: { path: dir, neededBytes: needed, freeBytes: free },
  })
}

/** To a raw file that everybody may read and nobody may write. */
async function convert(task: Task, key: string, files: StoreFiles, findParent: FindParent): Promise<void> {
  await refuseNoImage(key, files.download)
  const header = await readImageHeader(files.download)
  refuseHeader(key, header)
  if (header.backing !== undefined) await putOnParent(task, key, files.download, header.backing.name, findParent)
  const damage = await findDamage(task, files.download, header.format)
  if (damage !== undefined) throw refused(key, `is damaged: ${damage}`, 'it was so when its hash was published')
  if (header.format === 'raw') await rename(files.download, files.converted)
  else
    await convertImage(task, { path: files.download, format: header.format }, { path: files.converted, format: 'raw' })
  await chmod(files.converted, 0o444)
}

/** A layer over another template becomes an image that stands alone. */
async function putOnParent(
  task: Task,
  key: string,
  imagePath: string,
  backingName: string,
  findParent: FindParent,
): Promise<void> {
  const parent = parentNameOf(backingName)
  if (parent === undefined) throw refused(key, `needs another file, ${backingName}`, STAND_ALONE)
  const parentPath = await findParent(parent.template, parent.version)
  await writeBackingName(task, imagePath, { name: parentPath, format: 'raw' })
}

const STAND_ALONE = 'publish it standing alone: qemu-img convert -O qcow2 IMAGE NEW_IMAGE'

/** What servers give in the place of an image: nothing, or a page of words. A disk has whole sectors. */
async function refuseNoImage(key: string, imagePath: string): Promise<void> {
  const file = await open(imagePath, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(PAGE_MARK_BYTES), 0, PAGE_MARK_BYTES, 0)
    if (bytesRead === 0) throw refused(key, 'is empty', 'is the address right?')
    if (/^\s*<(!doctype|html|\?xml)/i.test(buffer.toString('latin1', 0, bytesRead)))
      throw refused(key, 'is a page of words, not an image', 'is the address right, and is there a login in the way?')
  } finally {
    await file.close()
  }
}

const PAGE_MARK_BYTES = 64

function refuseHeader(key: string, { format, hasOtherFiles, isEncrypted, snapshots }: ImageHeader): void {
  if (isEncrypted) throw refused(key, 'is encrypted', 'publish it decrypted: qemu-img convert can write it so')
  if (hasOtherFiles) throw refused(key, 'has its data in another file', STAND_ALONE)
  if (snapshots > 0) throw refused(key, `has ${snapshots} snapshot(s) inside`, `they would be lost; ${STAND_ALONE}`)
  if (format === 'qed') throw refused(key, 'is of the format qed', 'publish it as qcow2, raw, VMDK, VHD, VHDX or VDI')
}

function refused(key: string, why: string, hint: string): LagoError {
  return new LagoError('LAGO_TEMPLATE_IMAGE', `image ${key} ${why}`, { hint, data: { template: key } })
}

async function sync(filePath: string): Promise<void> {
  const file = await open(filePath, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
