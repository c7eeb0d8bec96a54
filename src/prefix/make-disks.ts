/** The disks of an environment, each made as its init file says (spec 3.4). */
import { rm } from 'node:fs/promises'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { UndoStack } from '../base/undo.js'
import { createDisk } from '../disk/create.js'
import type { DiskPlan, EnvPlan, VmPlan } from '../plan/types.js'
import { fingerprinted } from './backing-files.js'
import { makeLayeredDisk, takeOver } from './layered-disk.js'
import { fetchFile, namedFileOf, type RemoteContext } from './remote-disk.js'
import type { TemplateFinder } from './template-finder.js'
import { readUserImage, requireChain, type UserImage } from './user-image.js'

export interface DiskContext extends RemoteContext {
  readonly templates: TemplateFinder
  /** Directories below which images may name others; absolute. */
  readonly allowedDirs: readonly string[]
  /** For what is made outside of the prefix. */
  readonly undo: UndoStack
}

/** As many `qemu-img` at once as are worth it: each is mostly the start of a process. */
const DISKS_AT_ONCE = 4

/**
 * Gives the plan with what was found out on the way: what each disk is laid over, and how that was at this moment.
 * Throws what making disks, fetching templates and fetching files throw; `LAGO_DISK_CHAIN`.
 */
export async function makeDisks(task: Task, plan: EnvPlan, context: DiskContext): Promise<EnvPlan> {
  const makeDisksOf = async (vm: VmPlan, task: Task): Promise<VmPlan> =>
    task.step(`Create disks for VM ${vm.spec.name}`, async (task) => {
      const disks: DiskPlan[] = []
      for (const disk of vm.disks)
        await task.step(`Create disk ${disk.spec.name}`, async (task) => {
          disks.push(await fingerprinted(await makeDisk(task, context, vm, disk)))
        })
      return { ...vm, disks }
    })
  const made = await fanOut(task, [...plan.vms.values()], makeDisksOf, { limit: Math.min(task.jobs, DISKS_AT_ONCE) })
  return { ...plan, vms: new Map(made.map((vm) => [vm.spec.name, vm])) }
}

async function makeDisk(task: Task, context: DiskContext, vm: VmPlan, disk: DiskPlan): Promise<DiskPlan> {
  const { spec, path, backing } = disk
  const name = `${vm.spec.name}:${spec.name}`
  switch (spec.type) {
    case 'template':
      if (backing === undefined) throw new Error(`unreachable: disk ${name} was planned without its template`)
      await createDisk(task, { kind: 'overlay', path, backing, sizeBytes: spec.sizeBytes })
      return disk
    case 'layered':
      return makeLayeredDisk(task, context.templates, imageOf(context, name, context.expandPath(spec.rawPath)), {
        ...disk,
        spec,
      })
    case 'empty':
      await createDisk(task, { kind: 'empty', path, format: spec.format, sizeBytes: spec.sizeBytes })
      return disk
    case 'file':
      return makeFileDisk(task, context, name, { ...disk, spec })
  }
}

type FileDisk = DiskPlan & { readonly spec: { readonly type: 'file' } }

async function makeFileDisk(task: Task, context: DiskContext, name: string, disk: FileDisk): Promise<DiskPlan> {
  const { rawPath, remote, copy, format } = disk.spec
  const filePath = rawPath === undefined ? disk.path : context.expandPath(rawPath)
  if (remote !== undefined && (await fetchFile(task, namedFileOf(remote, context), filePath, context)))
    context.undo.defer(`remove ${filePath}`, async () => rm(filePath, { force: true }))
  const isCopied = copy && rawPath !== undefined
  if (!isCopied) await createDisk(task, { kind: 'in-place', path: filePath })
  if (format === 'iso') return isCopied ? copied(task, disk, filePath) : disk
  const image = imageOf(context, name, filePath)
  if (format === 'raw') {
    if (remote !== undefined) await readUserImage(image, filePath, 'raw')
    return isCopied ? copied(task, disk, filePath) : disk
  }
  if (isCopied) return { ...disk, backing: await takeOver(task, context.templates, image, disk.path) }
  await requireChain(image, filePath, await readUserImage(image, filePath, 'qcow2'))
  return disk
}

async function copied(task: Task, disk: DiskPlan, fromPath: string): Promise<DiskPlan> {
  await createDisk(task, { kind: 'copy', path: disk.path, fromPath })
  return disk
}

function imageOf({ allowedDirs }: DiskContext, disk: string, path: string): UserImage {
  return { disk, path, allowedDirs }
}
