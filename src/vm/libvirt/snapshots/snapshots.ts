/**
 * Snapshots of libvirt's VMs. Which form a snapshot has follows from what the VM has: inside the images where every
 * disk that can be written to is a qcow2, which is taken and gone back to fastest, else frozen images and overlays.
 */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError } from '../../../base/errors.js'
import type { Task } from '../../../base/task.js'
import { readImageInfo } from '../../../disk/qemu-img.js'
import type { LibvirtConnection } from '../../../libvirt/types.js'
import { isRestored } from '../../../plan/owner-mark.js'
import type { SnapshotDisk, SnapshotPlan, VmPlan } from '../../../plan/types.js'
import type { SnapshotRequest, VmSnapshots } from '../../provider.js'
import { freezeImages, mergeUnneeded, removeOverlays, withOverlays } from './external.js'
import {
  deleteFromImage,
  deleteInside,
  loadImages,
  loadInside,
  saveImages,
  saveInside,
  tagOf,
  usesImages,
} from './internal.js'
import { adoptImages } from './adopt.js'
import { loadMachine, saveMachine } from './machine-file.js'
import { allocatedBytes } from './sizes.js'

export function createSnapshots(libvirt: LibvirtConnection): VmSnapshots {
  const isUp = async (task: Task, vm: VmPlan): Promise<boolean> => {
    const state = (await libvirt.domainInfos(task, [vm.libvirtName])).get(vm.libvirtName)?.state
    return state !== undefined && state !== 'shut off'
  }
  // A second load into a qemu that was itself given its memory leaves the guest deaf for ten seconds (qemu 7.2, TCG).
  const hasBooted = async (task: Task, vm: VmPlan): Promise<boolean> =>
    (await isUp(task, vm)) && !isRestored(await libvirt.domainXml(task, vm.libvirtName))
  return {
    pause: async (task, vm) => libvirt.suspendDomain(task, vm.libvirtName),
    resume: async (task, vm) => libvirt.resumeDomain(task, vm.libvirtName),
    adopt: async (task, vm) => ((await isUp(task, vm)) ? adoptImages(task, libvirt, vm) : vm),
    async take(task, vm, request) {
      const up = await isUp(task, vm)
      return take(task, libvirt, up ? await adoptImages(task, libvirt, vm) : vm, { ...request, isUp: up })
    },
    async revert(task, vm, name, place) {
      const snapshot = snapshotOf(vm, name)
      if (snapshot.form === 'external') return revertExternal(task, libvirt, vm, snapshot, place)
      const before = withImages(vm, snapshot.disks)
      if (snapshot.memory === undefined) {
        await libvirt.destroyDomain(task, vm.libvirtName)
        await loadImages(task, snapshot.disks, name)
        return before
      }
      if ((await hasBooted(task, vm)) && (await revertInPlace(task, libvirt, vm, { ...snapshot, name }))) return before
      await libvirt.destroyDomain(task, vm.libvirtName)
      const machine = { xml: snapshot.memory.domainXmlPath, ...place }
      await libvirt.createDomain(task, await loadMachine(before, machine), { paused: true })
      try {
        await loadInside(task, libvirt, before, { ...snapshot, name })
      } catch (error) {
        await task.shielded(60_000, async (task) => libvirt.destroyDomain(task, vm.libvirtName))
        throw error
      }
      return before
    },
    async remove(task, vm, name) {
      const snapshot = snapshotOf(vm, name)
      const up = await isUp(task, vm)
      if (snapshot.form === 'internal') await removeInternal(task, libvirt, vm, name, snapshot, up)
      const without = { ...vm, snapshots: new Map([...vm.snapshots].filter(([other]) => other !== name)) }
      return up ? without : mergeUnneeded(task, without)
    },
    sizes: async (task, vm) => sizes(task, vm),
  }
}

function snapshotOf(vm: VmPlan, name: string): SnapshotPlan {
  const snapshot = vm.snapshots.get(name)
  if (snapshot === undefined) throw new Error(`unreachable: ${vm.spec.name} has no snapshot ${name}`)
  return snapshot
}

async function take(
  task: Task,
  libvirt: LibvirtConnection,
  vm: VmPlan,
  request: SnapshotRequest & { readonly isUp: boolean },
): Promise<VmPlan> {
  const disks = writableDisks(vm)
  const withMemory = request.isUp && !request.diskOnly
  const fitsInside = disks.length > 0 && disks.every((disk) => disk.format === 'qcow2')
  if (!fitsInside) return takeExternal(task, libvirt, vm, { ...request, disks, withMemory })
  try {
    return await takeInternal(task, libvirt, vm, { ...request, disks, withMemory })
  } catch (error) {
    // images with snapshots inside must not be frozen: going back to those would write to them
    const hasOthers = [...vm.snapshots.values()].some((snapshot) => snapshot.form === 'internal')
    if (!isLagoError(error, 'LAGO_QEMU') || !request.isUp || hasOthers) throw error
    task.log('debug', `${error.message}; taking an external snapshot of ${vm.spec.name} instead`)
    return takeExternal(task, libvirt, vm, { ...request, disks, withMemory })
  }
}

type TakeRequest = SnapshotRequest & {
  readonly isUp: boolean
  readonly disks: readonly SnapshotDisk[]
  readonly withMemory: boolean
}

async function takeInternal(task: Task, libvirt: LibvirtConnection, vm: VmPlan, request: TakeRequest): Promise<VmPlan> {
  const { name, disks, files, withMemory, takenAtMs } = request
  try {
    if (withMemory) await saveMachine(task, libvirt, vm, files)
    if (request.isUp) await saveInside(task, libvirt, vm, { name, disks, withMemory })
    else await saveImages(task, disks, name)
  } catch (error) {
    await rm(files.xml, { force: true }).catch(() => undefined) // the failure counts
    throw error
  }
  const memory = withMemory ? { domainXmlPath: files.xml, filePath: undefined } : undefined
  return withSnapshot(vm, name, { takenAtMs, form: 'internal', disks, memory })
}

async function takeExternal(task: Task, libvirt: LibvirtConnection, vm: VmPlan, request: TakeRequest): Promise<VmPlan> {
  const { name, disks, files, withMemory, takenAtMs, isUp } = request
  const memoryPath = withMemory ? files.memory : undefined
  const memory = memoryPath === undefined ? undefined : { domainXmlPath: files.xml, filePath: memoryPath }
  try {
    if (withMemory) await saveMachine(task, libvirt, vm, files)
    const imagesDir = path.dirname(files.memory)
    const overlaid = await freezeImages(task, libvirt, vm, { disks, imagesDir, isUp, memoryPath })
    return withSnapshot(overlaid, name, { takenAtMs, form: 'external', disks, memory })
  } catch (error) {
    await rm(files.xml, { force: true }).catch(() => undefined) // the failure counts
    throw error
  }
}

function withSnapshot(vm: VmPlan, name: string, snapshot: SnapshotPlan): VmPlan {
  return { ...vm, snapshots: new Map([...vm.snapshots, [name, snapshot]]) }
}

/** False when it is not possible in the qemu that runs: another one has to begin with the images. */
async function revertInPlace(
  task: Task,
  libvirt: LibvirtConnection,
  vm: VmPlan,
  snapshot: SnapshotPlan & { readonly name: string },
): Promise<boolean> {
  try {
    await libvirt.suspendDomain(task, vm.libvirtName)
    if (!(await usesImages(task, libvirt, vm, snapshot.disks))) return false
    await loadInside(task, libvirt, vm, snapshot)
    return true
  } catch (error) {
    if (!isLagoError(error, 'LAGO_QEMU') && !isLagoError(error, 'LAGO_LIBVIRT')) throw error
    task.log('debug', `${error.message}; ${vm.spec.name} is made anew`)
    return false
  }
}

async function revertExternal(
  task: Task,
  libvirt: LibvirtConnection,
  vm: VmPlan,
  snapshot: SnapshotPlan,
  { rootDir }: { readonly rootDir: string },
): Promise<VmPlan> {
  const imagesDir = path.dirname(vm.disks.find((disk) => disk.path.startsWith(`${rootDir}/`))?.path ?? rootDir)
  const overlaid = await withOverlays(task, vm, snapshot.disks, imagesDir)
  try {
    await libvirt.destroyDomain(task, vm.libvirtName)
    const { memory } = snapshot
    if (memory?.filePath !== undefined) {
      const xml = await loadMachine(overlaid, { xml: memory.domainXmlPath, rootDir })
      const saved = { name: vm.libvirtName, filePath: memory.filePath, xml }
      await libvirt.restoreDomain(task, saved, { paused: true })
    }
    return overlaid
  } catch (error) {
    await removeOverlays(overlaid, vm)
    throw error
  }
}

async function removeInternal(
  task: Task,
  libvirt: LibvirtConnection,
  vm: VmPlan,
  name: string,
  snapshot: SnapshotPlan,
  isUp: boolean,
): Promise<void> {
  if (isUp && (await usesImages(task, libvirt, vm, snapshot.disks)))
    return deleteInside(task, libvirt, vm, { ...snapshot, name })
  for (const disk of snapshot.disks) await deleteFromImage(task, disk, name)
}

function writableDisks(vm: VmPlan): readonly SnapshotDisk[] {
  return vm.disks.flatMap((disk, index) =>
    disk.device === 'cdrom'
      ? []
      : [{ index, path: disk.path, format: disk.driver, ...(disk.backing && { backing: disk.backing }) }],
  )
}

function withImages(vm: VmPlan, images: readonly SnapshotDisk[]): VmPlan {
  const disks = vm.disks.map((disk, index) => {
    const image = images.find((image) => image.index === index)
    return image === undefined ? disk : { ...disk, path: image.path, driver: image.format, backing: image.backing }
  })
  return { ...vm, disks }
}

async function sizes(task: Task, vm: VmPlan): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (const [name, { form, disks, memory }] of vm.snapshots) {
    let bytes = memory?.filePath === undefined ? 0 : await allocatedBytes(memory.filePath)
    for (const disk of disks)
      bytes += form === 'external' ? await allocatedBytes(disk.path) : await memoryBytesIn(task, disk, name)
    found.set(name, bytes)
  }
  return found
}

async function memoryBytesIn(task: Task, disk: SnapshotDisk, name: string): Promise<number> {
  const { snapshots } = await readImageInfo(task, disk.path)
  return snapshots.find((found) => found.name === tagOf(name))?.memoryBytes ?? 0
}
