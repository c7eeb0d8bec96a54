/**
 * qemu-img, one function a subcommand. Knows image formats; not what an image is for.
 * Every path must be absolute: qemu takes `R:T:V` for a protocol `R` (spec 4.3).
 */
import path from 'node:path'
import { runCommand, type CommandResult } from '../base/process.js'
import type { Task } from '../base/task.js'

export type ImageFormat = 'qcow2' | 'raw'

export interface BackingFile {
  readonly path: string
  readonly format: ImageFormat
}

export interface ImageInfo {
  /** qemu's name of the format, as found in the file itself; what is no known format is `raw`. */
  readonly format: string
  readonly virtualSizeBytes: number
  /** As written in the image: may be relative to it. */
  readonly backingPath: string | undefined
  /** A second file that holds the data (qcow2's `data_file`). */
  readonly dataPath: string | undefined
}

/** A qcow2 image that holds what differs from `backing`. The format is named, as qemu-img >= 6.1 demands. */
export async function createOverlay(task: Task, imagePath: string, backing: BackingFile): Promise<void> {
  const options = ['-f', 'qcow2', '-o', 'lazy_refcounts=on', '-F', backing.format, '-b', absolute(backing.path)]
  await qemuImg(task, ['create', ...options, absolute(imagePath)])
}

/** An image without content; qcow2 gets its tables at once, which spares writes later (spec 3.4). */
export async function createEmpty(
  task: Task,
  imagePath: string,
  format: ImageFormat,
  sizeBytes: number,
): Promise<void> {
  const options = format === 'qcow2' ? ['-f', format, '-o', 'preallocation=metadata'] : ['-f', format]
  await qemuImg(task, ['create', ...options, absolute(imagePath), String(sizeBytes)])
}

/** Works on an image that a running VM uses, too. */
export async function readImageInfo(task: Task, imagePath: string): Promise<ImageInfo> {
  const { stdout } = await qemuImg(task, ['info', '--output=json', '--force-share', absolute(imagePath)])
  const info = JSON.parse(stdout) as QemuImgInfo // qemu's own schema, BlockDeviceInfo
  return {
    format: info.format,
    virtualSizeBytes: info['virtual-size'],
    backingPath: info['backing-filename'],
    dataPath: info['format-specific']?.data?.['data-file'],
  }
}

interface QemuImgInfo {
  readonly format: string
  readonly 'virtual-size': number
  readonly 'backing-filename'?: string
  readonly 'format-specific'?: { readonly data?: { readonly 'data-file'?: string } }
}

/** Writes the whole content of `from` (of the format that qemu is told) to a new image; holes stay holes. */
export async function convertImage(
  task: Task,
  from: { readonly path: string; readonly format: string },
  to: { readonly path: string; readonly format: ImageFormat },
): Promise<void> {
  await qemuImg(task, ['convert', '-f', from.format, '-O', to.format, absolute(from.path), absolute(to.path)])
}

/** Throws `LAGO_COMMAND_FAILED` when the image is damaged. */
export async function checkImage(task: Task, imagePath: string, format: ImageFormat): Promise<void> {
  if (format === 'raw') return // qemu-img: "This image format does not support checks"
  await qemuImg(task, ['check', '-f', format, absolute(imagePath)])
}

async function qemuImg(task: Task, args: readonly string[]): Promise<CommandResult> {
  return runCommand(task, ['qemu-img', ...args], { package: 'qemu-utils' })
}

function absolute(imagePath: string): string {
  if (!path.isAbsolute(imagePath)) throw new Error(`not an absolute path for qemu-img: ${imagePath}`)
  return imagePath
}
