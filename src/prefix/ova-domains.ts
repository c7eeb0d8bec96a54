/** VMs of type `ova`: memory, CPUs and first disk come from an archive (spec 3.6). */
import { mkdtemp, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { readImageHeader } from '../disk/image-header.js'
import { unpackOva } from '../disk/ova.js'
import { convertImage, findDamage } from '../disk/qemu-img.js'
import type { DomainSpec, EnvSpec } from '../spec/types.js'
import type { PrefixLayout } from './layout.js'
import { fetchFile, namedFileOf, type RemoteContext } from './remote-disk.js'
import { chainError } from './user-image.js'

/**
 * `spec` with every such VM as an ordinary one, whose first disk is laid over the archive's, kept in the prefix. The
 * archive itself is not kept. Throws `LAGO_OVA`, `LAGO_DISK_CHAIN`, and what fetching a file throws.
 */
export async function resolveOvas(
  task: Task,
  layout: PrefixLayout,
  spec: EnvSpec,
  context: RemoteContext,
): Promise<EnvSpec> {
  const resolved = await fanOut(task, [...spec.domains.values()], async (domain, task) =>
    domain.ova === undefined ? domain : resolveOva(task, layout, { ...domain, ova: domain.ova }, context),
  )
  return { ...spec, domains: new Map(resolved.map((domain) => [domain.name, domain])) }
}

async function resolveOva(
  task: Task,
  layout: PrefixLayout,
  domain: DomainSpec & { readonly ova: NonNullable<DomainSpec['ova']> },
  context: RemoteContext,
): Promise<DomainSpec> {
  return task.step(`Unpack archive of VM ${domain.name}`, async (task) => {
    const workDir = await mkdtemp(path.join(layout.images, '.ova-'))
    try {
      const archivePath = path.join(workDir, 'archive.ova')
      await fetchFile(task, namedFileOf(domain.ova, context), archivePath, context)
      const { memoryMiB, vcpus, diskPath } = await unpackOva(task, archivePath, path.join(workDir, 'content'))
      const imagePath = path.join(layout.images, `${domain.name}_ova.base.qcow2`)
      await keepDisk(task, domain.name, diskPath, imagePath)
      return withOva(domain, { memoryMiB, vcpus, imagePath: `$LAGO_PREFIX_PATH/images/${path.basename(imagePath)}` })
    } finally {
      await rm(workDir, { recursive: true, force: true })
    }
  })
}

async function keepDisk(task: Task, vm: string, diskPath: string, imagePath: string): Promise<void> {
  const image = { disk: `${vm}:ova`, path: diskPath, allowedDirs: [] }
  const header = await readImageHeader(diskPath)
  if (header.backing !== undefined) throw chainError(image, `the image needs another file, ${header.backing.name}`)
  if (header.hasOtherFiles) throw chainError(image, 'the image keeps its data in another file')
  if (header.isEncrypted) throw chainError(image, 'the image is encrypted')
  const damage = await findDamage(task, diskPath, header.format)
  if (damage !== undefined) throw chainError(image, `the image is damaged: ${damage}`)
  if (header.format === 'qcow2') await rename(diskPath, imagePath)
  else await convertImage(task, { path: diskPath, format: header.format }, { path: imagePath, format: 'qcow2' })
}

interface OvaFacts {
  readonly memoryMiB: number
  readonly vcpus: number
  /** As it is written in an init file. */
  readonly imagePath: string
}

function withOva(domain: DomainSpec, { memoryMiB, vcpus, imagePath }: OvaFacts): DomainSpec {
  const metadata = { 'root-partition': '/dev/sda1' }
  const raw = {
    name: 'ova',
    type: 'template',
    template_type: 'qcow2',
    format: 'qcow2',
    dev: 'vda',
    path: imagePath,
    metadata,
  }
  const disk = {
    name: raw.name,
    dev: raw.dev,
    metadata,
    build: [],
    raw,
    type: 'layered',
    format: 'qcow2',
    rawPath: imagePath,
    sizeBytes: undefined,
  } as const
  const rawDisks = Array.isArray(domain.raw['disks']) ? (domain.raw['disks'] as unknown[]) : []
  return {
    ...domain,
    memoryMiB,
    vcpus,
    ova: undefined,
    disks: [disk, ...domain.disks],
    raw: { ...domain.raw, type: 'template', memory: memoryMiB, vcpu: vcpus, disks: [raw, ...rawDisks] },
  }
}
