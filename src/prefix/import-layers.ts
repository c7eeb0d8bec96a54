/**
 * Disks with `template_type: qcow2`: a layer over an image of the user's, which may come from another host: compressed,
 * and without the template that it is itself a layer over (spec 4.8). Nothing of the user's is written to.
 */
import { chmod, readFile, realpath, rm } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { isLagoError, LagoError, messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { imageFormat } from '../disk/chain.js'
import { compressionOf, withoutSuffix } from '../disk/compression.js'
import { createDisk } from '../disk/create.js'
import { readImageInfo, renameBacking, type ImageInfo } from '../disk/qemu-img.js'
import type { DiskBacking, DiskPlan, EnvPlan, VmPlan } from '../plan/types.js'
import { parentNameOf } from '../store/parent.js'
import { parseMetadata } from '../store/published.js'
import type { TemplateFinder } from './template-finder.js'

/**
 * `plan` with every such disk laid over files that are there. An image that is complete stays where it is, below the
 * disk. One that is compressed, or whose parent is to be had from the template repository alone, is copied to the
 * disk's place in the prefix and pointed at its parent; its `backing` is then the parent, or undefined.
 *
 * Throws `LAGO_DISK_CHAIN`, naming disk and file, for a chain that leads nowhere or in a circle, and what fetching a
 * template throws.
 */
export async function importLayers(task: Task, plan: EnvPlan, templates: TemplateFinder): Promise<EnvPlan> {
  const imported = await fanOut(task, [...plan.vms.values()], async (vm, task) => ({
    ...vm,
    disks: await fanOut(task, vm.disks, async (disk, task) => importDisk(task, templates, vm, disk), { limit: 1 }),
  }))
  return { ...plan, vms: new Map(imported.map((vm) => [vm.spec.name, vm])) }
}

interface Layer {
  /** `vm0:root`, for messages. */
  readonly name: string
  readonly disk: DiskPlan
  /** The user's image. */
  readonly imagePath: string
}

async function importDisk(task: Task, templates: TemplateFinder, vm: VmPlan, wanted: DiskPlan): Promise<DiskPlan> {
  if (wanted.spec.type !== 'layered' || wanted.backing === undefined) return wanted
  const imagePath = wanted.backing.path
  const disk = { ...wanted, metadata: { ...wanted.metadata, ...(await metadataBeside(task, imagePath)) } }
  const layer = { name: `${vm.spec.name}:${disk.spec.name}`, disk, imagePath }
  if ((await compressionOf(layer.imagePath)) !== undefined) return takeOver(task, templates, layer)
  if (!(await pathExists(layer.imagePath))) return disk // making the disk tells it
  const info = await readQcow2(task, layer, layer.imagePath)
  const parentPath = await findParent(layer, layer.imagePath, info)
  if (parentPath === undefined && info.backingPath !== undefined) return takeOver(task, templates, layer)
  if (parentPath !== undefined) await requireChain(task, layer, parentPath)
  return disk
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

/** Copies the image to the disk's place, unpacked, and lets it stand on what is there on this host. */
async function takeOver(task: Task, templates: TemplateFinder, layer: Layer): Promise<DiskPlan> {
  const { disk, imagePath } = layer
  return task.step(`Import disk ${layer.name}`, async (task) => {
    await createDisk(task, { kind: 'copy', path: disk.path, fromPath: imagePath })
    try {
      const info = await readQcow2(task, layer, disk.path)
      const backing = await parentOf(task, templates, layer, info)
      if (backing !== undefined) await renameBacking(task, disk.path, backing)
      await chmod(disk.path, 0o600)
      return { ...disk, backing }
    } catch (error) {
      await rm(disk.path, { force: true })
      throw error
    }
  })
}

async function parentOf(
  task: Task,
  templates: TemplateFinder,
  layer: Layer,
  info: ImageInfo,
): Promise<DiskBacking | undefined> {
  if (info.backingPath === undefined) return undefined
  const parentPath = await findParent(layer, layer.imagePath, info)
  if (parentPath === undefined) return fetchParent(task, templates, layer, info.backingPath)
  await requireChain(task, layer, parentPath)
  return { path: parentPath, format: imageFormat(info.backingFormat ?? (await readImageInfo(task, parentPath)).format) }
}

async function fetchParent(
  task: Task,
  templates: TemplateFinder,
  layer: Layer,
  backingPath: string,
): Promise<DiskBacking> {
  const name = parentNameOf(backingPath)
  if (name === undefined) throw notATemplate(layer, backingPath)
  try {
    const { path: storePath, format } = await templates.ensure(task, name.template, name.version)
    return { path: storePath, format }
  } catch (error) {
    if (!isLagoError(error, 'LAGO_TEMPLATE_UNKNOWN') && !isLagoError(error, 'LAGO_TEMPLATE_REPO')) throw error
    throw chainError(layer, `its backing file ${backingPath} is not there: ${messageOf(error)}`, {
      hint: 'name the template repository of the host that it was exported on with --template-repo-path',
      cause: error,
    })
  }
}

/**
 * The next file of the chain, if it is there. A name that qemu would take for something else than a file, `nbd:host`, is
 * never looked up as one: then it is a template's name or nothing.
 */
async function findParent(layer: Layer, imagePath: string, { backingPath }: ImageInfo): Promise<string | undefined> {
  if (backingPath === undefined || /^[^/]*:/.test(backingPath)) return undefined
  const parentPath = path.resolve(path.dirname(imagePath), backingPath)
  if (!(await pathExists(parentPath))) return undefined
  if ((await realpath(parentPath)) === (await realpath(imagePath)))
    throw chainError(layer, `the backing file of ${imagePath} is ${imagePath} itself`)
  return parentPath
}

/** All that is below `firstPath` is there; what is missing there could only be mended in the user's files. */
async function requireChain(task: Task, layer: Layer, firstPath: string): Promise<void> {
  const seen = [await realpath(layer.imagePath)]
  for (let current = firstPath; ;) {
    const real = await realpath(current)
    if (seen.includes(real)) throw chainError(layer, `its backing files go round in a circle: ${current} comes again`)
    seen.push(real)
    const info = await readImageInfo(task, current)
    if (info.backingPath === undefined) return
    const next = await findParent(layer, current, info)
    if (next === undefined)
      throw chainError(layer, `${current} needs the backing file ${info.backingPath}, which is not there`)
    current = next
  }
}

async function readQcow2(task: Task, layer: Layer, imagePath: string): Promise<ImageInfo> {
  const info = await readImageInfo(task, imagePath)
  if (info.format !== 'qcow2') throw chainError(layer, `the image is of the format ${info.format}, not qcow2`)
  if (info.dataPath !== undefined) throw chainError(layer, `the image keeps its data in another file, ${info.dataPath}`)
  return info
}

function notATemplate(layer: Layer, backingPath: string): LagoError {
  const message = `its backing file ${backingPath} is not there, and is not a Lago image`
  return chainError(layer, message, { hint: 'a Lago image is called TEMPLATE:VERSION; put the file where it belongs' })
}

function chainError(
  { name, imagePath }: Layer,
  why: string,
  options: { readonly hint?: string; readonly cause?: unknown } = {},
): LagoError {
  const hint = options.hint ?? 'export the disk standing alone: lago export --standalone'
  return new LagoError('LAGO_DISK_CHAIN', `disk ${name} (${imagePath}): ${why}`, {
    hint,
    data: { disk: name, path: imagePath },
    cause: options.cause,
  })
}
