/** Makes the image file of one disk. Knows files and formats; nothing of VMs, templates or init files. */
import { access, chmod, constants, realpath, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError, messageOf, type ErrorCode } from '../base/errors.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'
import { decompressFile } from './compress.js'
import { compressionOf } from './compression.js'
import {
  createEmpty,
  createOverlay,
  readImageInfo,
  resizeImage,
  type BackingFile,
  type ImageFormat,
} from './qemu-img.js'

/** Paths are absolute. */
export type DiskRequest =
  /** A qcow2 file that holds what differs from `backing`. */
  | {
      readonly kind: 'overlay'
      readonly path: string
      readonly backing: BackingFile
      /** At least that of `backing`, which is the default. */
      readonly sizeBytes?: number | undefined
    }
  | { readonly kind: 'empty'; readonly path: string; readonly format: ImageFormat; readonly sizeBytes: number }
  /** Sparse, and sharing blocks with `fromPath` where the file system can; of a compressed file what is in it. */
  | { readonly kind: 'copy'; readonly path: string; readonly fromPath: string }
  /** The user's own file or block device, used where it is: only looked at. */
  | { readonly kind: 'in-place'; readonly path: string }

/**
 * Makes what `request` describes, with mode 0600: libvirt gives the file to qemu when a VM starts.
 *
 * A file that is at `path` already is replaced; a half-made one is removed.
 * Throws `LAGO_DISK_BACKING` when a backing file, and `LAGO_DISK_MISSING` when a file to copy or to use in place, is not
 * there, is a directory, or may not be read; `LAGO_DISK_SIZE`, `LAGO_NO_SPACE`; `LAGO_COMMAND_MISSING`, `LAGO_COMMAND_FAILED`.
 */
export async function createDisk(task: Task, request: DiskRequest): Promise<void> {
  if (request.kind === 'in-place') return requireFile(request.path, IN_PLACE)
  if (request.kind === 'overlay') await requireSource(request.backing.path, request.path, BACKING)
  if (request.kind === 'copy') await requireSource(request.fromPath, request.path, TO_COPY)
  await rm(request.path, { force: true })
  try {
    await writeImage(task, request)
    await chmod(request.path, 0o600)
  } catch (error) {
    await rm(request.path, { force: true })
    throw error
  }
}

type WrittenDisk = Exclude<DiskRequest, { readonly kind: 'in-place' }>

async function writeImage(task: Task, request: WrittenDisk): Promise<void> {
  switch (request.kind) {
    case 'overlay':
      return createOverlay(task, request.path, request.backing, await overlaySize(task, request))
    case 'empty':
      return createEmpty(task, request.path, request.format, request.sizeBytes)
    case 'copy':
      return copyImage(task, request.fromPath, request.path)
  }
}

async function overlaySize(
  task: Task,
  { backing, sizeBytes }: WrittenDisk & { readonly kind: 'overlay' },
): Promise<number | undefined> {
  if (sizeBytes !== undefined) await requireLarger(task, backing.path, sizeBytes)
  return sizeBytes
}

/** What a disk gains reads as zeros. Throws `LAGO_DISK_SIZE` for a size below its own. */
export async function growDisk(task: Task, diskPath: string, sizeBytes: number): Promise<void> {
  await requireLarger(task, diskPath, sizeBytes)
  await resizeImage(task, diskPath, sizeBytes)
}

/** A guest that sees less than there is loses the end of its file systems. */
async function requireLarger(task: Task, imagePath: string, sizeBytes: number): Promise<void> {
  const { virtualSizeBytes } = await readImageInfo(task, imagePath)
  if (sizeBytes >= virtualSizeBytes) return
  throw new LagoError(
    'LAGO_DISK_SIZE',
    `${imagePath} has ${virtualSizeBytes} bytes and cannot become a disk of ${sizeBytes}`,
    { hint: 'leave "size" out, or make it larger', data: { path: imagePath, sizeBytes, virtualSizeBytes } },
  )
}

async function copyImage(task: Task, fromPath: string, toPath: string): Promise<void> {
  const compression = await compressionOf(fromPath)
  if (compression !== undefined) await decompressFile(task, fromPath, toPath)
  else await runCommand(task, ['cp', '--sparse=auto', '--reflink=auto', '--', fromPath, toPath])
}

interface SourceRole {
  readonly code: ErrorCode
  readonly noun: string
  readonly hint: string
}

const BACKING: SourceRole = {
  code: 'LAGO_DISK_BACKING',
  noun: 'the backing file',
  hint: 'a disk stays laid over its template or base image, which must not be moved or removed',
}
const TO_COPY: SourceRole = {
  code: 'LAGO_DISK_MISSING',
  noun: 'the file to copy',
  hint: 'check "path" of the disk in the init file',
}
const IN_PLACE: SourceRole = { ...TO_COPY, noun: 'the disk file' }

async function requireSource(sourcePath: string, targetPath: string, role: SourceRole): Promise<void> {
  await requireFile(sourcePath, role)
  const target = path.join(await realpath(path.dirname(targetPath)), path.basename(targetPath))
  if (target === (await realpath(sourcePath)))
    throw new LagoError(role.code, `${role.noun} ${sourcePath} is the disk itself`, { hint: role.hint })
}

async function requireFile(filePath: string, role: SourceRole): Promise<void> {
  const fail = (why: string, cause?: unknown): never => {
    const options = { hint: role.hint, data: { path: filePath }, cause }
    throw new LagoError(role.code, `${role.noun} ${filePath} ${why}`, options)
  }
  try {
    await access(filePath, constants.R_OK)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return fail('does not exist', error)
    return fail(`cannot be read: ${messageOf(error)}`, error)
  }
  if ((await stat(filePath)).isDirectory()) fail('is a directory')
}
