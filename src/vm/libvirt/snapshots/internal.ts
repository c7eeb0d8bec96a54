/**
 * Snapshots inside the VM's qcow2 images, the memory in the first of them: taken and gone back to within the running
 * qemu in a fraction of a second, by its own monitor (which libvirt marks as tainting the domain), and by qemu-img
 * when the VM is down.
 */
import { isLagoError, LagoError } from '../../../base/errors.js'
import type { Task } from '../../../base/task.js'
import { changeInternalSnapshot, readImageInfo } from '../../../disk/qemu-img.js'
import type { SnapshotDisk, VmPlan } from '../../../plan/types.js'
import { imageNodes, runQemuJob, type Monitor } from './qemu-job.js'

/** qemu-img takes a name that is a number for an internal number. */
export function tagOf(snapshot: string): string {
  return `lago.${snapshot}`
}

/** For a paused VM. An unrecorded snapshot of that name, left by an interrupted run, is replaced. */
export async function saveInside(
  task: Task,
  monitor: Monitor,
  vm: VmPlan,
  snapshot: { readonly name: string; readonly disks: readonly SnapshotDisk[]; readonly withMemory: boolean },
): Promise<void> {
  const tag = tagOf(snapshot.name)
  const nodes = await nodesOf(task, monitor, vm, snapshot.disks)
  const save = async (): Promise<void> =>
    snapshot.withMemory ? saveMemory(task, monitor, vm, tag, nodes) : saveDisks(task, monitor, vm, tag, nodes)
  try {
    await save()
  } catch (error) {
    if (!isLagoError(error, 'LAGO_QEMU') || !/already exists/.test(error.message)) throw error
    await deleteTag(task, monitor, vm, tag, nodes)
    await save()
  }
}

/** The running qemu goes back; it is left paused when it was. */
export async function loadInside(
  task: Task,
  monitor: Monitor,
  vm: VmPlan,
  snapshot: { readonly name: string; readonly disks: readonly SnapshotDisk[] },
): Promise<void> {
  const nodes = await nodesOf(task, monitor, vm, snapshot.disks)
  const load = { tag: tagOf(snapshot.name), vmstate: nodes[0], devices: nodes }
  await runQemuJob(task, monitor, vm.libvirtName, { execute: 'snapshot-load', arguments: load })
}

export async function deleteInside(
  task: Task,
  monitor: Monitor,
  vm: VmPlan,
  snapshot: { readonly name: string; readonly disks: readonly SnapshotDisk[] },
): Promise<void> {
  await deleteTag(task, monitor, vm, tagOf(snapshot.name), await nodesOf(task, monitor, vm, snapshot.disks))
}

/** True when the running qemu writes to these very images. */
export async function usesImages(
  task: Task,
  monitor: Monitor,
  vm: VmPlan,
  disks: readonly SnapshotDisk[],
): Promise<boolean> {
  const nodes = await imageNodes(task, monitor, vm.libvirtName)
  return disks.every((disk) => nodes.has(disk.path))
}

/** For a VM that is down: every image or none. */
export async function saveImages(task: Task, disks: readonly SnapshotDisk[], name: string): Promise<void> {
  const done: SnapshotDisk[] = []
  try {
    for (const disk of disks) {
      await deleteFromImage(task, disk, name)
      await changeInternalSnapshot(task, 'create', disk.path, tagOf(name))
      done.push(disk)
    }
  } catch (error) {
    await task.shielded(60_000, async (task) => {
      for (const disk of done) await deleteFromImage(task, disk, name)
    })
    throw error
  }
}

export async function loadImages(task: Task, disks: readonly SnapshotDisk[], name: string): Promise<void> {
  for (const disk of disks) await changeInternalSnapshot(task, 'apply', disk.path, tagOf(name))
}

/** Does nothing for an image that has no such snapshot. */
export async function deleteFromImage(task: Task, disk: SnapshotDisk, name: string): Promise<void> {
  const { snapshots } = await readImageInfo(task, disk.path)
  for (const found of snapshots)
    if (found.name === tagOf(name)) await changeInternalSnapshot(task, 'delete', disk.path, tagOf(name))
}

async function saveMemory(
  task: Task,
  monitor: Monitor,
  vm: VmPlan,
  tag: string,
  nodes: readonly string[],
): Promise<void> {
  const save = { tag, vmstate: nodes[0], devices: nodes }
  await runQemuJob(task, monitor, vm.libvirtName, { execute: 'snapshot-save', arguments: save })
}

async function saveDisks(
  task: Task,
  monitor: Monitor,
  vm: VmPlan,
  tag: string,
  nodes: readonly string[],
): Promise<void> {
  const actions = nodes.map((node) => ({
    type: 'blockdev-snapshot-internal-sync',
    data: { device: node, name: tag },
  }))
  await monitor.monitorCommand(task, vm.libvirtName, { execute: 'transaction', arguments: { actions } })
}

async function deleteTag(
  task: Task,
  monitor: Monitor,
  vm: VmPlan,
  tag: string,
  nodes: readonly string[],
): Promise<void> {
  await runQemuJob(task, monitor, vm.libvirtName, { execute: 'snapshot-delete', arguments: { tag, devices: nodes } })
}

async function nodesOf(
  task: Task,
  monitor: Monitor,
  vm: VmPlan,
  disks: readonly SnapshotDisk[],
): Promise<readonly string[]> {
  const nodes = await imageNodes(task, monitor, vm.libvirtName)
  return disks.map(({ path }) => {
    const node = nodes.get(path)
    if (node !== undefined) return node
    throw new LagoError('LAGO_DISKS_DIFFER', `${vm.spec.name} does not use its image ${path}`, {
      hint: `lago stop ${vm.spec.name}, then lago start ${vm.spec.name}`,
      data: { domain: vm.libvirtName, path, open: [...nodes.keys()] },
    })
  })
}
