/** The content of a disk as a new image, as it is now: neither snapshots inside it nor the layers below are needed. */
import type { Task } from '../base/task.js'
import { chainName, type ImageFile } from './chain.js'
import {
  convertNode,
  createOverlayOnNode,
  readImageInfo,
  rebaseImage,
  writeBackingName,
  type ImageFormat,
} from './qemu-img.js'

/**
 * Everything that the disk shows, in one file that needs no other; zeros take no space.
 * `chain`: the disk and all that it is laid over. Throws `LAGO_NO_SPACE`, `LAGO_COMMAND_FAILED`, `LAGO_COMMAND_MISSING`.
 */
export async function extractWhole(
  task: Task,
  chain: readonly ImageFile[],
  to: { readonly path: string; readonly format: ImageFormat },
): Promise<void> {
  const onPercent = await progressOf(task, chain)
  await convertNode(task, await chainName(chain), to, onPercent)
}

/**
 * What differs from the lowest file of `chain`, as a single qcow2 layer at `toPath` that names `parentName` as its
 * backing file, whether or not there is such a file. Fails as `extractWhole` does.
 */
export async function extractLayer(
  task: Task,
  chain: readonly ImageFile[],
  toPath: string,
  parentName: string,
): Promise<void> {
  const [top, base] = [chain[0], chain.at(-1)]
  if (top === undefined || base === undefined || chain.length < 2) throw new Error('unreachable: nothing is below')
  const onPercent = await progressOf(task, chain)
  await createOverlayOnNode(task, toPath, { name: await chainName(chain), format: top.format })
  await rebaseImage(task, toPath, base, onPercent)
  await writeBackingName(task, toPath, { name: parentName, format: base.format })
}

async function progressOf(task: Task, [top]: readonly ImageFile[]): Promise<(percent: number) => void> {
  const totalBytes = top === undefined ? 0 : (await readImageInfo(task, top.path)).virtualSizeBytes
  return (percent) => task.progress(Math.round((percent / 100) * totalBytes), totalBytes, 'bytes')
}
