/** A VM's memory in a file while the VM does not exist, through libvirt's save and restore. */
import { rm } from 'node:fs/promises'
import type { Task } from '../../base/task.js'
import type { LibvirtConnection } from '../../libvirt/types.js'
import type { VmPlan } from '../../plan/types.js'
import type { SnapshotFiles, VmSleep } from '../provider.js'
import { loadMachine, saveMachine } from './snapshots/machine-file.js'
import { hasRefused, toItsEnd } from './snapshots/to-its-end.js'

export function createSleep(libvirt: LibvirtConnection): VmSleep {
  return {
    async save(task, vm, files) {
      await saveMachine(task, libvirt, vm, files)
      await toItsEnd(task, async (task) => saveMemory(task, libvirt, vm, files))
    },
    async restore(task, vm, files) {
      const saved = { name: vm.libvirtName, filePath: files.memory, xml: await loadMachine(vm, files) }
      await libvirt.restoreDomain(task, saved, { paused: true })
    },
  }
}

/** Files are removed only when libvirt has refused: it goes on by itself when nobody waits for it any more. */
async function saveMemory(
  task: Task,
  libvirt: LibvirtConnection,
  vm: VmPlan,
  { memory, xml }: SnapshotFiles,
): Promise<void> {
  await libvirt.saveDomain(task, vm.libvirtName, memory).catch(async (error: unknown) => {
    if (hasRefused(error)) for (const file of [memory, xml]) await rm(file, { force: true }).catch(() => undefined) // the failure counts
    throw error
  })
}
