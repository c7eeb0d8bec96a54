/** A VM's memory in a file while the VM does not exist, through libvirt's save and restore. */
import { rm } from 'node:fs/promises'
import type { LibvirtConnection } from '../../libvirt/types.js'
import type { VmSleep } from '../provider.js'
import { loadMachine, saveMachine } from './snapshots/machine-file.js'

export function createSleep(libvirt: LibvirtConnection): VmSleep {
  return {
    async save(task, vm, files) {
      try {
        await saveMachine(task, libvirt, vm, files)
        await libvirt.saveDomain(task, vm.libvirtName, files.memory)
      } catch (error) {
        for (const file of [files.memory, files.xml]) await rm(file, { force: true }).catch(() => undefined)
        throw error
      }
    },
    async restore(task, vm, files) {
      const saved = { name: vm.libvirtName, filePath: files.memory, xml: await loadMachine(vm, files) }
      await libvirt.restoreDomain(task, saved, { paused: true })
    },
  }
}
