/**
 * Snapshots as frozen images with fresh overlays on top, the memory in a file of its own: for VMs with a disk that
 * cannot hold snapshots inside.
 */
import { access, rm } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../../../base/errors.js'
import type { Task } from '../../../base/task.js'
import { element, renderXml } from '../../../base/xml.js'
import { createDisk } from '../../../disk/create.js'
import { readImageInfo, rebaseImage } from '../../../disk/qemu-img.js'
import type { LibvirtConnection } from '../../../libvirt/types.js'
import { hasRefused, toItsEnd } from './to-its-end.js'
import type { DiskBacking, DiskPlan, SnapshotDisk, VmPlan } from '../../../plan/types.js'

/**
 * For a paused VM, or one that is down (then `withMemory` is not possible). Gives the VM with fresh overlays; the images
 * that it had are frozen. On a failure the overlays are gone again.
 */
export async function freezeImages(
  task: Task,
  libvirt: Pick<LibvirtConnection, 'snapshotDomain'>,
  vm: VmPlan,
  request: {
    readonly disks: readonly SnapshotDisk[]
    readonly imagesDir: string
    readonly isUp: boolean
    /** Undefined: the disks alone. */
    readonly memoryPath: string | undefined
  },
): Promise<VmPlan> {
  const overlaid = await withOverlays(task, vm, request.disks, request.imagesDir)
  if (request.isUp) await toItsEnd(task, async (task) => switchTo(task, libvirt, { from: vm, to: overlaid }, request))
  return overlaid
}

async function switchTo(
  task: Task,
  libvirt: Pick<LibvirtConnection, 'snapshotDomain'>,
  { from, to }: { readonly from: VmPlan; readonly to: VmPlan },
  request: { readonly disks: readonly SnapshotDisk[]; readonly memoryPath: string | undefined },
): Promise<void> {
  const { memoryPath } = request
  const options = { diskOnly: memoryPath === undefined, reuseFiles: true }
  await libvirt
    .snapshotDomain(task, to.libvirtName, snapshotXml(to, request), options)
    .catch(async (error: unknown) => {
      // else libvirt may be at it still, and qemu writes to the overlays in a moment
      if (hasRefused(error)) {
        await removeOverlays(to, from)
        if (memoryPath !== undefined) await rm(memoryPath, { force: true })
      }
      throw error
    })
}

/** The VM with new overlays on `disks`, in files that were not there before. */
export async function withOverlays(
  task: Task,
  vm: VmPlan,
  disks: readonly SnapshotDisk[],
  imagesDir: string,
): Promise<VmPlan> {
  const made: string[] = []
  try {
    const overlaid: DiskPlan[] = []
    for (const [index, disk] of vm.disks.entries()) {
      const frozen = disks.find((frozen) => frozen.index === index)
      if (frozen === undefined) {
        overlaid.push(disk)
        continue
      }
      const overlay = await freeName(imagesDir, vm, disk)
      made.push(overlay)
      const backing: DiskBacking = { path: frozen.path, format: frozen.format, backing: frozen.backing }
      await createDisk(task, { kind: 'overlay', path: overlay, backing })
      overlaid.push({ ...disk, path: overlay, driver: 'qcow2', backing })
    }
    return { ...vm, disks: overlaid }
  } catch (error) {
    for (const overlay of made) await rm(overlay, { force: true })
    throw error
  }
}

export async function removeOverlays(overlaid: VmPlan, before: VmPlan): Promise<void> {
  const kept = new Set(before.disks.map((disk) => disk.path))
  for (const disk of overlaid.disks) if (!kept.has(disk.path)) await rm(disk.path, { force: true })
}

/**
 * For a VM that is down: frozen images between its disks and their base that no snapshot needs are merged into the
 * disks. An image with snapshots inside stays on what it stands on: those see the same base.
 */
export async function mergeUnneeded(task: Task, vm: VmPlan): Promise<VmPlan> {
  const needed = new Set([...vm.snapshots.values()].flatMap(({ disks }) => disks.flatMap(pathsOf)))
  const disks: DiskPlan[] = []
  for (const disk of vm.disks) {
    const base = baseOf(disk.backing, needed)
    if (base === undefined || base === disk.backing || (await holdsSnapshots(task, disk.path))) disks.push(disk)
    else {
      await rebaseImage(task, disk.path, base)
      disks.push({ ...disk, backing: base })
    }
  }
  return { ...vm, disks }
}

/** The first layer that has to stay: one that a snapshot needs, or the lowest. */
function baseOf(backing: DiskBacking | undefined, needed: ReadonlySet<string>): DiskBacking | undefined {
  if (backing?.backing === undefined || needed.has(backing.path)) return backing
  return baseOf(backing.backing, needed)
}

function pathsOf({ path, backing }: DiskBacking): string[] {
  return backing === undefined ? [path] : [path, ...pathsOf(backing)]
}

async function holdsSnapshots(task: Task, imagePath: string): Promise<boolean> {
  return (await readImageInfo(task, imagePath)).snapshots.length > 0
}

async function freeName(imagesDir: string, vm: VmPlan, disk: DiskPlan): Promise<string> {
  for (let number = 1; ; number++) {
    const name = path.join(imagesDir, `${vm.spec.name}_${disk.spec.name}.${number}.qcow2`)
    const isFree = await access(name).then(
      () => false,
      (error: unknown) => isSystemError(error, 'ENOENT'),
    )
    if (isFree) return name
  }
}

function snapshotXml(
  overlaid: VmPlan,
  request: { readonly disks: readonly SnapshotDisk[]; readonly memoryPath: string | undefined },
): string {
  const frozen = new Set(request.disks.map(({ index }) => index))
  const disks = overlaid.disks.map(({ spec, path }, index) =>
    frozen.has(index)
      ? element('disk', { name: spec.dev, snapshot: 'external', type: 'file' }, [
          element('driver', { type: 'qcow2' }),
          element('source', { file: path }),
        ])
      : element('disk', { name: spec.dev, snapshot: 'no' }),
  )
  const memory =
    request.memoryPath === undefined
      ? element('memory', { snapshot: 'no' })
      : element('memory', { snapshot: 'external', file: request.memoryPath })
  return renderXml(element('domainsnapshot', {}, [memory, element('disks', {}, disks)]))
}
