/** The files that a disk is laid over, from the disk down: what each one's header says about the next. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { readImageInfo, type ImageFormat } from './qemu-img.js'

/** Absolute. */
export interface ImageFile {
  readonly path: string
  readonly format: ImageFormat
}

/**
 * `known` (top first, at least one) and what lies below the last of them. What is known goes before what the headers
 * say: they hold absolute paths, which a directory that was moved makes wrong.
 * Throws `LAGO_COMMAND_FAILED` for a file that is not there, `LAGO_DISK_CHAIN` when the chain goes round in a circle.
 */
export async function readChain(task: Task, known: readonly ImageFile[]): Promise<readonly ImageFile[]> {
  const chain = [...known]
  for (let last = chain.at(-1); last?.format === 'qcow2'; last = chain.at(-1)) {
    const { backingPath, backingFormat } = await readImageInfo(task, last.path)
    if (backingPath === undefined) break
    const below = path.resolve(path.dirname(last.path), backingPath)
    if (chain.some((file) => file.path === below)) throw circle(last.path, below)
    chain.push({ path: below, format: imageFormat(backingFormat ?? (await readImageInfo(task, below)).format) })
  }
  return chain
}

function circle(imagePath: string, below: string): LagoError {
  return new LagoError(
    'LAGO_DISK_CHAIN',
    `image ${imagePath} has ${below} for its backing file, which needs it itself`,
    {
      data: { path: imagePath, backing: below },
    },
  )
}

/** Everything that we do not lay anything over is raw. */
export function imageFormat(name: string): ImageFormat {
  return name === 'qcow2' ? 'qcow2' : 'raw'
}

/** qemu's name for the top of `chain`, with every file below it told: nothing is taken from headers or guessed. */
export async function chainName(chain: readonly ImageFile[]): Promise<string> {
  const nodes = await Promise.all(chain.map(nodeOf))
  const whole = nodes.reduceRight<object | undefined>(
    (below, node) => ({ ...node, ...(below && { backing: below }) }),
    undefined,
  )
  return `json:${JSON.stringify(whole)}`
}

async function nodeOf({ path: filePath, format }: ImageFile): Promise<object> {
  const isDevice = (await stat(filePath)).isBlockDevice()
  return { driver: format, file: { driver: isDevice ? 'host_device' : 'file', filename: filePath } }
}
