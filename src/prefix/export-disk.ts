/** One disk of an export: the image, compressed or not, and the files that tell of it (spec 4.2, 4.7). */
import { open, rm } from 'node:fs/promises'
import path from 'node:path'
import { about, explainSystemError, isLagoError, LagoError } from '../base/errors.js'
import { writeJsonAtomic, writeFileAtomic } from '../base/files.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'
import { readChain, type ImageFile } from '../disk/chain.js'
import { digestFile, type Digests } from '../disk/checksum.js'
import { compressFile } from '../disk/compress.js'
import { suffixOf, type Compression } from '../disk/compression.js'
import { extractLayer, extractWhole } from '../disk/extract.js'
import type { DiskBacking, DiskPlan } from '../plan/types.js'
import type { DiskExport } from './export-plan.js'

export interface ExportedDisk extends DiskExport {
  /** `fileName`, with the suffix of the compression. */
  readonly imageName: string
  readonly digests: Digests<'sha1' | 'sha256'>
  /** `YYYYMMDD.0`, of the day of the export. */
  readonly version: string
  /** The template `T:V` that it is a layer over; undefined: it stands alone. */
  readonly parent: string | undefined
}

export interface DiskExportOptions {
  /** Where it will be in the end, for messages. */
  readonly dstDir: string
  readonly toDir: string
  readonly standalone: boolean
  readonly compress: Compression | undefined
  readonly now: Date
}

/**
 * Writes the disk's files to `toDir`. A cdrom is copied as it is; a layer of which no template is the lowest file is
 * exported standing alone, too. Throws what qemu-img and the compressing program lead to.
 */
export async function exportDisk(task: Task, wanted: DiskExport, options: DiskExportOptions): Promise<ExportedDisk> {
  const { vm, disk, fileName } = wanted
  return task.step(`Export disk ${disk.spec.name} of VM ${vm}`, async (task) =>
    about(`disk ${disk.spec.name} of VM ${vm}`, toRoom(options.dstDir, writeDisk(task, wanted, options))).then(
      async (written) => {
        const exported = { ...wanted, ...written, version: versionOf(options.now) }
        const at = (suffix: string): string => path.join(options.toDir, `${fileName}${suffix}`)
        await writeFileAtomic(at('.hash'), written.digests.sha1)
        await writeFileAtomic(at('.sha256'), written.digests.sha256)
        await writeJsonAtomic(at('.metadata'), metadataOf(exported))
        return exported
      },
    ),
  )
}

/** Says of a full disk which it is, and what helps there. */
export async function toRoom<T>(dstDir: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    const explained = explainSystemError(error)
    if (!isLagoError(explained, 'LAGO_NO_SPACE') || explained.data['dstDir'] !== undefined) throw error
    throw new LagoError('LAGO_NO_SPACE', `the disk is full: ${dstDir}`, {
      hint: 'free some space there, or export to another disk with --dst-dir; --compress makes it smaller',
      data: { ...explained.data, dstDir },
      cause: error,
    })
  })
}

type WrittenDisk = Pick<ExportedDisk, 'imageName' | 'digests' | 'parent'>

async function writeDisk(
  task: Task,
  { disk, fileName }: DiskExport,
  { toDir, standalone, compress }: DiskExportOptions,
): Promise<WrittenDisk> {
  const imagePath = path.join(toDir, fileName)
  if (disk.device === 'cdrom') {
    await task.step('Copy image', async (task) =>
      runCommand(task, ['cp', '--reflink=auto', '--', disk.path, imagePath]),
    )
    return { imageName: fileName, digests: await finish(task, imagePath), parent: undefined }
  }
  const parent = await extract(task, disk, imagePath, standalone)
  if (compress === undefined) return { imageName: fileName, digests: await finish(task, imagePath), parent }
  const imageName = `${fileName}${suffixOf(compress)}`
  const digests = await task.step('Compress image', async (task) =>
    compressFile(task, imagePath, path.join(toDir, imageName), compress),
  )
  await rm(imagePath)
  return { imageName, digests, parent }
}

async function extract(task: Task, disk: DiskPlan, toPath: string, standalone: boolean): Promise<string | undefined> {
  const chain = await readChain(task, knownFiles(disk))
  const format = disk.spec.format === 'raw' ? 'raw' : 'qcow2'
  const isLayer = !standalone && chain.length > 1 && format === 'qcow2'
  const parent = isLayer ? templateNameOf(chain.at(-1)?.path ?? '') : undefined
  if (isLayer && parent === undefined)
    task.log('info', `disk ${disk.spec.name} is laid over no template: it is exported whole`)
  await task.step('Copy image', async (task) => {
    if (parent === undefined) await extractWhole(task, chain, { path: toPath, format })
    else await extractLayer(task, chain, toPath, `./${parent}`)
  })
  return parent
}

function knownFiles({ path: top, driver, backing }: DiskPlan): ImageFile[] {
  const files: ImageFile[] = [{ path: top, format: driver }]
  for (let below: DiskBacking | undefined = backing; below !== undefined; below = below.backing)
    files.push({ path: below.path, format: below.format })
  return files
}

/** `T:V` of a file in the store, `R:T:V`, or of upstream's link to one, `T:V`; the repository may be another elsewhere. */
function templateNameOf(filePath: string): string | undefined {
  return /^(?:[^:]+:)?([^:]+:[^:]+)$/.exec(path.basename(filePath))?.[1]
}

/** On the disk before it gets its name. */
async function finish(task: Task, imagePath: string): Promise<Digests<'sha1' | 'sha256'>> {
  const digests = await task.step('Calculate hashes', async (task) => digestFile(task, imagePath, ['sha1', 'sha256']))
  const file = await open(imagePath, 'r')
  await file.sync().finally(async () => file.close())
  return digests
}

/** Upstream writes Python's `None` as a text for an image that stands alone; its readers know it so. */
function metadataOf({ disk, fileName, digests, parent, version }: ExportedDisk): Readonly<Record<string, unknown>> {
  const isTemplate = disk.spec.type === 'template' || disk.spec.type === 'layered'
  return {
    ...disk.metadata,
    sha1: digests.sha1,
    size: digests.sizeBytes,
    name: fileName,
    version,
    ...(isTemplate ? { base: parent ?? 'None' } : {}),
  }
}

function versionOf(now: Date): string {
  const [year, month, day] = [now.getFullYear(), now.getMonth() + 1, now.getDate()]
  return `${year}${String(month).padStart(2, '0')}${String(day).padStart(2, '0')}.0`
}
