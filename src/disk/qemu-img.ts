/**
 * qemu-img, one function a subcommand. Knows image formats; not what an image is for.
 * Every path must be absolute: qemu takes `R:T:V` for a protocol `R` (spec 4.3).
 */
import path from 'node:path'
import { endWithParent } from '../base/end-with-us.js'
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
  /** qemu's name of the backing file's format; undefined where the image does not say. */
  readonly backingFormat: string | undefined
  /** A second file that holds the data (qcow2's `data_file`). */
  readonly dataPath: string | undefined
  /** qcow2's own snapshots, with the memory that is kept in this image. */
  readonly snapshots: readonly { readonly name: string; readonly memoryBytes: number }[]
}

/**
 * A qcow2 image that holds what differs from `backing`. The format is named, as qemu-img >= 6.1 demands. A backing file
 * in the same directory is found there again when both have been moved.
 */
export async function createOverlay(
  task: Task,
  imagePath: string,
  backing: BackingFile,
  sizeBytes?: number,
): Promise<void> {
  const options = ['-f', 'qcow2', '-o', 'lazy_refcounts=on', ...backingOptions(imagePath, backing)]
  const size = sizeBytes === undefined ? [] : [String(sizeBytes)]
  await qemuImg(task, ['create', ...options, absolute(imagePath), ...size])
}

/** A qcow2 image; its content stays, and what is added reads as zeros. */
export async function resizeImage(task: Task, imagePath: string, sizeBytes: number): Promise<void> {
  await qemuImg(task, ['resize', '-q', '-f', 'qcow2', absolute(imagePath), String(sizeBytes)])
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
  return imageInfo(task, ['--force-share', absolute(imagePath)])
}

/** Throws `LAGO_COMMAND_FAILED` with qemu's words about a lock while another process has the image open for writing. */
export async function readUnusedImageInfo(task: Task, imagePath: string, format: ImageFormat): Promise<ImageInfo> {
  return imageInfo(task, ['-f', format, absolute(imagePath)])
}

async function imageInfo(task: Task, words: readonly string[]): Promise<ImageInfo> {
  const { stdout } = await qemuImg(task, ['info', '--output=json', ...words])
  const info = JSON.parse(stdout) as QemuImgInfo // qemu's own schema, BlockDeviceInfo
  return {
    format: info.format,
    virtualSizeBytes: info['virtual-size'],
    backingPath: info['backing-filename'],
    backingFormat: info['backing-filename-format'],
    dataPath: info['format-specific']?.data?.['data-file'],
    snapshots: (info.snapshots ?? []).map((found) => ({ name: found.name, memoryBytes: found['vm-state-size'] })),
  }
}

interface QemuImgInfo {
  readonly format: string
  readonly 'virtual-size': number
  readonly 'backing-filename'?: string
  readonly 'backing-filename-format'?: string
  readonly snapshots?: readonly { readonly name: string; readonly 'vm-state-size': number }[]
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

/**
 * Everything that `nodeName` shows, as a new image; holes stay holes. The name is qemu's own for an image, with all that
 * it is laid over (`json:...`), so that nothing is taken from headers.
 */
export async function convertNode(
  task: Task,
  nodeName: string,
  to: { readonly path: string; readonly format: ImageFormat },
  onPercent: (percent: number) => void,
): Promise<void> {
  await qemuImg(task, ['convert', '-p', '-O', to.format, nodeName, absolute(to.path)], { onPercent })
}

/** An empty qcow2 layer over an image that is named as for `convertNode`. */
export async function createOverlayOnNode(
  task: Task,
  imagePath: string,
  node: { readonly name: string; readonly format: ImageFormat },
): Promise<void> {
  await qemuImg(task, ['create', '-q', '-f', 'qcow2', '-F', node.format, '-b', node.name, absolute(imagePath)])
}

/**
 * Snapshots inside a qcow2 image that no VM uses. qemu-img finds them by number first and by name then, so a name must
 * not be a number; it takes two of one name.
 */
export async function changeInternalSnapshot(
  task: Task,
  action: 'create' | 'apply' | 'delete',
  imagePath: string,
  name: string,
): Promise<void> {
  const flag = { create: '-c', apply: '-a', delete: '-d' }[action]
  await qemuImg(task, ['snapshot', flag, name, absolute(imagePath)])
}

/** Makes the image stand on `backing` with its content as it was; what lay between is copied into it. Its active layer only. */
export async function rebaseImage(
  task: Task,
  imagePath: string,
  backing: BackingFile,
  onPercent?: (percent: number) => void,
): Promise<void> {
  const progress = onPercent === undefined ? [] : ['-p']
  const options = [...progress, '-f', 'qcow2', ...backingOptions(imagePath, backing)]
  await qemuImg(task, ['rebase', ...options, absolute(imagePath)], { onPercent })
}

/** Writes down another path of the same backing file; no data is looked at. */
export async function renameBacking(task: Task, imagePath: string, backing: BackingFile): Promise<void> {
  await writeBackingName(task, imagePath, { name: absolute(backing.path), format: backing.format })
}

/** As `renameBacking`, with any name, whether or not there is such a file: `./NAME` is looked for beside the image. */
export async function writeBackingName(
  task: Task,
  imagePath: string,
  backing: { readonly name: string; readonly format: ImageFormat },
): Promise<void> {
  const options = ['-u', '-f', 'qcow2', '-F', backing.format, '-b', backing.name]
  await qemuImg(task, ['rebase', ...options, absolute(imagePath)])
}

/** Where a raw file holds data, in order; elsewhere it reads as zeros. */
export async function readDataExtents(
  task: Task,
  imagePath: string,
): Promise<readonly { readonly start: number; readonly length: number }[]> {
  const { stdout } = await qemuImg(task, ['map', '--output=json', '--force-share', '-f', 'raw', absolute(imagePath)])
  const extents = JSON.parse(stdout) as { readonly start: number; readonly length: number; readonly data: boolean }[] // qemu's schema, MapEntry
  return extents.filter(({ data }) => data)
}

/**
 * Why the image is damaged, in qemu-img's words; undefined: it is not. Clusters that nobody uses are no damage, and of
 * other formats than qcow2 nothing is known.
 */
export async function findDamage(task: Task, imagePath: string, format: string): Promise<string | undefined> {
  if (format !== 'qcow2') return undefined
  const { exitCode, stdout, stderr } = await qemuImg(task, ['check', '-f', format, absolute(imagePath)], {
    okCodes: [CHECK_CLEAN, CHECK_FAILED, CHECK_CORRUPT, CHECK_LEAKS],
  })
  if (exitCode === CHECK_CLEAN || exitCode === CHECK_LEAKS) return undefined
  return `${stderr}\n${stdout}`.trim().split('\n')[0]
}

/** qemu-img(1), check: its exit codes. */
const [CHECK_CLEAN, CHECK_FAILED, CHECK_CORRUPT, CHECK_LEAKS] = [0, 1, 2, 3]

function backingOptions(imagePath: string, backing: BackingFile): readonly string[] {
  const { dir, base } = path.parse(absolute(backing.path))
  return ['-F', backing.format, '-b', dir === path.dirname(imagePath) ? `./${base}` : backing.path]
}

interface QemuImgOptions {
  /** With `-p` among the arguments it hears how far it is. */
  readonly onPercent?: ((percent: number) => void) | undefined
  readonly okCodes?: readonly number[]
}

/** Runs qemu-img with its arguments as they are. */
async function qemuImg(task: Task, args: readonly string[], options: QemuImgOptions = {}): Promise<CommandResult> {
  const { onPercent, okCodes = [0] } = options
  const onStdout = (text: string): void => {
    const percent = /.*\((\d+\.\d+)\/100%\)/s.exec(text)?.[1] // the last one: pieces may hold several
    if (percent !== undefined) onPercent?.(Number(percent))
  }
  const guard = await endWithParent(task) // it must not write on beside the run that comes after us
  return runCommand(task, ['qemu-img', ...args], { package: 'qemu-utils', guard, onStdout, okCodes })
}

function absolute(imagePath: string): string {
  if (!path.isAbsolute(imagePath)) throw new Error(`not an absolute path for qemu-img: ${imagePath}`)
  return imagePath
}
