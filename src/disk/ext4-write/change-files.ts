/**
 * Writes files into the root file system of an image that nobody uses: all of them or none. The work is done on a copy
 * beside the image, which takes its place by rename: at this moment an image is mostly an overlay of a few hundred KiB,
 * and neither a full disk nor a kill at the wrong time leaves half of the work behind. Nothing is mounted, and nothing
 * outside of the image is touched whatever is in it.
 */
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError, isSystemError, LagoError } from '../../base/errors.js'
import { temporaryPathFor } from '../../base/files.js'
import { runCommand } from '../../base/process.js'
import type { Task } from '../../base/task.js'
import type { Ext4 } from '../ext4/file-system.js'
import { whyNotWritable } from '../ext4/writable.js'
import { openFuseImage } from '../fuse-image.js'
import { readUnusedImageInfo, type ImageFormat } from '../qemu-img.js'
import { locateRoot, type Root } from '../root-file-system.js'
import { planBatch } from './commands.js'
import { runDebugfs } from './debugfs.js'
import type { FileOperation } from './operations.js'

/** Absolute. */
export interface WritableImage {
  readonly path: string
  readonly format: ImageFormat
  /** `/dev/sda1`; undefined: the first that looks like the root. */
  readonly rootPartition: string | undefined
}

/**
 * Does what `plan` asks for after a look at the root file system. The operations are done in their order.
 *
 * Throws `LAGO_DISK_IN_USE` while somebody has the image open, `LAGO_DISK_UNWRITABLE` for a file system that is not ext2,
 * ext3 or ext4, that is not as a clean unmount leaves it or has features that debugfs does not keep in order, and for
 * what is in the way of an operation; `LAGO_NO_SPACE` when the file system or the host's disk is full; and what
 * `openFuseImage`, `runDebugfs` and `plan` throw. The image is as it was then, and when the task is aborted.
 */
export async function changeFiles(
  task: Task,
  image: WritableImage,
  plan: (task: Task, fs: Ext4) => Promise<readonly FileOperation[]>,
): Promise<void> {
  const imagePath = await requireImage(task, image)
  const before = await stateOf(imagePath)
  const copyPath = temporaryPathFor(imagePath)
  try {
    await copyImage(task, imagePath, copyPath)
    await changeInPlace(task, { ...image, path: copyPath }, imagePath, plan)
    await syncPath(copyPath)
    if ((await stateOf(imagePath)) !== before) throw inUse(imagePath, 'it was changed in the meantime')
    await rename(copyPath, imagePath)
    await syncPath(path.dirname(imagePath))
  } catch (error) {
    await rm(copyPath, { force: true })
    throw error
  }
}

/** The path of the file itself: renaming over a link would leave the file as it is. */
async function requireImage(task: Task, image: WritableImage): Promise<string> {
  const imagePath = await realpath(image.path).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT')) throw error
    throw new LagoError('LAGO_DISK_MISSING', `the disk ${image.path} does not exist`, { data: { path: image.path } })
  })
  if (!(await stat(imagePath)).isFile()) throw unwritable(image.path, 'it is not a file')
  const info = await readUnusedImageInfo(task, imagePath, image.format).catch((error: unknown) => {
    throw isLocked(error) ? inUse(image.path, 'another process has it open') : error
  })
  if (info.dataPath !== undefined) throw unwritable(image.path, 'its data is in a second file')
  return imagePath
}

/** qemu's own words (block/file-posix.c, 7.2). */
function isLocked(error: unknown): boolean {
  return isLagoError(error, 'LAGO_COMMAND_FAILED') && /Failed to get .*lock/.test(String(error.data['stderr']))
}

async function stateOf(filePath: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(filePath, { bigint: true })
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

async function copyImage(task: Task, fromPath: string, toPath: string): Promise<void> {
  const options = ['--sparse=auto', '--reflink=auto', '--preserve=mode,ownership']
  await runCommand(task, ['cp', ...options, '--', fromPath, toPath])
}

async function changeInPlace(
  task: Task,
  copy: WritableImage,
  imagePath: string,
  plan: (task: Task, fs: Ext4) => Promise<readonly FileOperation[]>,
): Promise<void> {
  await using opened = await openFuseImage(task, { path: copy.path, format: copy.format, shownPath: imagePath })
  const root = await requireRoot(task, await locateRoot(task, opened, copy.rootPartition), imagePath)
  const batch = await planBatch(task, root.fs, await plan(task, root.fs))
  await runDebugfs(task, { fd: opened.fd, offsetBytes: root.offsetBytes, imagePath }, batch)
  await opened.finish(task)
}

async function requireRoot(task: Task, root: Root | undefined, imagePath: string): Promise<Root> {
  if (root === undefined) throw unwritable(imagePath, 'no root file system of the kind ext2, ext3 or ext4 is on it')
  const why = await whyNotWritable(task, root.source)
  if (why !== undefined) throw unwritable(imagePath, `its root file system is not to be written to: ${why}`)
  return root
}

function unwritable(imagePath: string, why: string): LagoError {
  return new LagoError('LAGO_DISK_UNWRITABLE', `files cannot be written into the image ${imagePath}: ${why}`, {
    hint: 'boot it and shut it down, or prepare it in another way',
    data: { path: imagePath },
  })
}

function inUse(imagePath: string, why: string): LagoError {
  return new LagoError('LAGO_DISK_IN_USE', `the image ${imagePath} is in use: ${why}`, {
    hint: 'shut down what uses it, and try again',
    data: { path: imagePath },
  })
}

/** A file, or the names in a directory. */
async function syncPath(filePath: string): Promise<void> {
  const file = await open(filePath, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
