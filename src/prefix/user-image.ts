/**
 * An image of the user's, or from elsewhere, that a disk is or is laid over. What it names is followed only to files that
 * lie where images may lie: an image that was downloaded may name `/etc/shadow` as what it is laid over.
 */
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { isSystemError, LagoError } from '../base/errors.js'
import { readImageHeader, type ImageHeader } from '../disk/image-header.js'

export interface UserImage {
  /** `vm0:root`, for messages. */
  readonly disk: string
  /** Absolute. */
  readonly path: string
  /** Directories below which backing files may lie beside those of the image itself; absolute. */
  readonly allowedDirs: readonly string[]
}

/** Throws `LAGO_DISK_CHAIN` unless the image is of `format`, unencrypted, and has its data in itself. */
export async function readUserImage(image: UserImage, filePath: string, format: 'qcow2' | 'raw'): Promise<ImageHeader> {
  const header = await readImageHeader(filePath)
  if (header.format !== format) throw chainError(image, `the image is of the format ${header.format}, not ${format}`)
  if (header.hasOtherFiles) throw chainError(image, 'the image keeps its data in another file')
  if (header.isEncrypted) throw chainError(image, 'the image is encrypted')
  return header
}

/**
 * The next file of the chain, if it is there. A name that qemu would take for something else than a file, `nbd:host`, is
 * never looked up as one: then it is a template's name or nothing. Throws `LAGO_DISK_CHAIN` for one that lies elsewhere.
 */
export async function findBacking(
  image: UserImage,
  filePath: string,
  backing: ImageHeader['backing'],
): Promise<string | undefined> {
  if (backing === undefined || /^[^/]*:/.test(backing.name)) return undefined
  const backingPath = path.resolve(path.dirname(filePath), backing.name)
  if (!(await pathExists(backingPath))) return undefined
  const real = await realpath(backingPath)
  if (real === (await realpath(filePath)))
    throw chainError(image, `the backing file of ${filePath} is ${filePath} itself`)
  if (!(await isAllowed(image, real))) throw outside(image, backingPath)
  return backingPath
}

/** All that is below `filePath`, whose header is given, is there; what is missing could only be mended in the user's files. */
export async function requireChain(image: UserImage, filePath: string, header: ImageHeader): Promise<void> {
  const seen = [await realpath(filePath)]
  for (let [current, at] = [filePath, header]; at.backing !== undefined;) {
    const next = await findBacking(image, current, at.backing)
    if (next === undefined)
      throw chainError(image, `${current} needs the backing file ${at.backing.name}, which is not there`)
    const real = await realpath(next)
    if (seen.includes(real)) throw chainError(image, `its backing files go round in a circle: ${next} comes again`)
    seen.push(real)
    ;[current, at] = [next, await readLower(image, next, at.backing.format)]
  }
}

/** qemu follows a raw image nowhere, whatever is in it. */
async function readLower(image: UserImage, filePath: string, format: string | undefined): Promise<ImageHeader> {
  if (format === 'raw' || (await stat(filePath)).isBlockDevice()) return RAW
  const header = await readImageHeader(filePath)
  if (header.hasOtherFiles) throw chainError(image, `${filePath} keeps its data in another file`)
  return header
}

const RAW: ImageHeader = {
  format: 'raw',
  backing: undefined,
  hasOtherFiles: false,
  isEncrypted: false,
  snapshots: 0,
}

async function isAllowed({ path: imagePath, allowedDirs }: UserImage, real: string): Promise<boolean> {
  for (const dir of [path.dirname(await realpath(imagePath)), ...allowedDirs])
    if (isBelow(await realDir(dir), real)) return true
  return false
}

async function realDir(dir: string): Promise<string> {
  return realpath(dir).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return dir
    throw error
  })
}

function isBelow(dir: string, file: string): boolean {
  return file.startsWith(dir.endsWith(path.sep) ? dir : `${dir}${path.sep}`)
}

function outside(image: UserImage, backingPath: string): LagoError {
  return chainError(image, `its backing file ${backingPath} lies outside of the directories for images`, {
    hint: `put it beside the image, or allow it: LAGO__INIT__IMAGE_DIRS=${path.dirname(backingPath)} (image_dirs in lago.conf)`,
  })
}

export function chainError(
  { disk, path: imagePath }: UserImage,
  why: string,
  options: { readonly hint?: string; readonly cause?: unknown } = {},
): LagoError {
  const hint = options.hint ?? 'use an image that stands alone: qemu-img convert -O qcow2 IMAGE NEW_IMAGE'
  return new LagoError('LAGO_DISK_CHAIN', `disk ${disk} (${imagePath}): ${why}`, {
    hint,
    data: { disk, path: imagePath },
    cause: options.cause,
  })
}
