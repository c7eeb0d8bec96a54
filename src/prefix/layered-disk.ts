/**
 * Disks with `template_type: qcow2`, and copies of images that are layers: an image of the user's, which may come from
 * another host: compressed, and without the template that it is itself a layer over (spec 4.8). Nothing of the user's is
 * written to.
 */
import { chmod, readFile, rm } from 'node:fs/promises'
import { isLagoError, messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { imageFormat } from '../disk/chain.js'
import { compressionOf, withoutSuffix } from '../disk/compression.js'
import { createDisk, growDisk } from '../disk/create.js'
import { readImageHeader, type ImageHeader } from '../disk/image-header.js'
import { renameBacking } from '../disk/qemu-img.js'
import type { DiskBacking, DiskPlan } from '../plan/types.js'
import { parentNameOf } from '../store/parent.js'
import { parseMetadata } from '../store/published.js'
import type { TemplateFinder } from './template-finder.js'
import { chainError, findBacking, readUserImage, requireChain, type UserImage } from './user-image.js'

/**
 * An image that is complete stays where it is, below the disk. One that is compressed, or whose parent is to be had from
 * the template repository alone, is copied to the disk's place and pointed at its parent; `backing` of the plan that
 * comes back is then the parent, or undefined.
 *
 * Throws `LAGO_DISK_CHAIN`, naming disk and file, for a chain that leads nowhere, in a circle or elsewhere;
 * `LAGO_DISK_BACKING` when there is no image, and what fetching a template throws.
 */
export async function makeLayeredDisk(
  task: Task,
  templates: TemplateFinder,
  image: UserImage,
  wanted: DiskPlan & { readonly spec: { readonly type: 'layered' } },
): Promise<DiskPlan> {
  const { backing, path: diskPath } = wanted
  if (backing === undefined) throw new Error('unreachable: a layered disk was planned without its image')
  const disk = { ...wanted, metadata: { ...wanted.metadata, ...(await metadataBeside(task, image.path)) } }
  const { sizeBytes } = wanted.spec
  if (await standsInPlace(image)) {
    await createDisk(task, { kind: 'overlay', path: diskPath, backing, sizeBytes })
    return disk
  }
  const taken = await takeOver(task, templates, image, diskPath)
  if (sizeBytes !== undefined) await growDisk(task, diskPath, sizeBytes)
  return { ...disk, backing: taken }
}

/** True as well for an image that is not there: making the disk tells it. */
async function standsInPlace(image: UserImage): Promise<boolean> {
  if ((await compressionOf(image.path)) !== undefined) return false
  const found = await readImageHeader(image.path).catch(() => undefined)
  if (found === undefined) return true
  const header = await readUserImage(image, image.path, 'qcow2')
  if (header.backing !== undefined && (await findBacking(image, image.path, header.backing)) === undefined) return false
  await requireChain(image, image.path, header)
  return true
}

/** What the export wrote down of the image: its distribution, and more; nothing where there is no such file. */
async function metadataBeside(task: Task, imagePath: string): Promise<Readonly<Record<string, unknown>>> {
  const metadataPath = `${withoutSuffix(imagePath)}.metadata`
  const text = await readFile(metadataPath, 'utf8').catch(() => undefined)
  if (text === undefined) return {}
  try {
    return parseMetadata(text, (why) => new Error(`${metadataPath} ${why}`))
  } catch (error) {
    task.log('warning', `metadata not read: ${messageOf(error)}`)
    return {}
  }
}

/** Copies the image to `diskPath`, unpacked, and lets it stand on what is there on this host; gives that. */
export async function takeOver(
  task: Task,
  templates: TemplateFinder,
  image: UserImage,
  diskPath: string,
): Promise<DiskBacking | undefined> {
  return task.step(`Import disk ${image.disk}`, async (task) => {
    await createDisk(task, { kind: 'copy', path: diskPath, fromPath: image.path })
    try {
      const header = await readUserImage(image, diskPath, 'qcow2')
      const backing = await parentOf(task, templates, image, header)
      if (backing !== undefined) await renameBacking(task, diskPath, backing)
      await chmod(diskPath, 0o600)
      return backing
    } catch (error) {
      await rm(diskPath, { force: true })
      throw error
    }
  })
}

async function parentOf(
  task: Task,
  templates: TemplateFinder,
  image: UserImage,
  header: ImageHeader,
): Promise<DiskBacking | undefined> {
  if (header.backing === undefined) return undefined
  const parentPath = await findBacking(image, image.path, header.backing)
  if (parentPath === undefined) return fetchParent(task, templates, image, header.backing.name)
  await requireChain(image, image.path, header)
  const format = header.backing.format ?? (await readImageHeader(parentPath)).format
  return { path: parentPath, format: imageFormat(format) }
}

async function fetchParent(
  task: Task,
  templates: TemplateFinder,
  image: UserImage,
  backingName: string,
): Promise<DiskBacking> {
  const name = parentNameOf(backingName)
  if (name === undefined)
    throw chainError(image, `its backing file ${backingName} is not there, and is not a Lago image`, {
      hint: 'a Lago image is called TEMPLATE:VERSION; put the file where it belongs',
    })
  try {
    const { path: storePath, format } = await templates.ensure(task, name.template, name.version)
    return { path: storePath, format }
  } catch (error) {
    if (!isLagoError(error, 'LAGO_TEMPLATE_UNKNOWN') && !isLagoError(error, 'LAGO_TEMPLATE_REPO')) throw error
    throw chainError(image, `its backing file ${backingName} is not there: ${messageOf(error)}`, {
      hint: 'name the template repository of the host that it was exported on with --template-repo-path',
      cause: error,
    })
  }
}
