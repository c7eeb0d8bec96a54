/** Which images a running VM writes to, when they are not those that its plan names. */
import path from 'node:path'
import { LagoError } from '../../../base/errors.js'
import type { Task } from '../../../base/task.js'
import { readImageInfo } from '../../../disk/qemu-img.js'
import type { DiskPlan, VmPlan } from '../../../plan/types.js'
import { imageNodes, type Monitor } from './qemu-job.js'

/**
 * The plan with overlays in the place of the images that they are laid over, where the VM writes to such overlays.
 * Throws `LAGO_DISKS_DIFFER` for a disk whose image is neither open nor below one that is.
 */
export async function adoptImages(task: Task, monitor: Monitor, vm: VmPlan): Promise<VmPlan> {
  if (vm.disks.every((disk) => disk.device === 'cdrom')) return vm
  const open = [...(await imageNodes(task, monitor, vm.libvirtName)).keys()]
  const disks: DiskPlan[] = []
  for (const disk of vm.disks)
    disks.push(disk.device === 'cdrom' || open.includes(disk.path) ? disk : await overlaid(task, vm, disk, open))
  return { ...vm, disks }
}

async function overlaid(task: Task, vm: VmPlan, disk: DiskPlan, open: readonly string[]): Promise<DiskPlan> {
  for (const image of open) {
    const { backingPath } = await readImageInfo(task, image)
    if (backingPath === undefined || path.resolve(path.dirname(image), backingPath) !== disk.path) continue
    task.log('warning', `${vm.spec.name} writes to ${image}, which an interrupted run had not written down yet`)
    return {
      ...disk,
      path: image,
      driver: 'qcow2',
      backing: { path: disk.path, format: disk.driver, backing: disk.backing },
    }
  }
  throw new LagoError('LAGO_DISKS_DIFFER', `${vm.spec.name} does not use its image ${disk.path}`, {
    hint: `what it uses: ${open.join(', ')}; lago stop ${vm.spec.name} goes back to its own image`,
    data: { vm: vm.spec.name, path: disk.path, open },
  })
}
