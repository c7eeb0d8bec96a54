/** Machines that others run, reached by ssh (spec 6.5): Lago gives them a name and an address, and leaves them as they are. */
import type { Task } from '../../base/task.js'
import type { VmState } from '../../libvirt/types.js'
import type { VmProvider } from '../provider.js'

/** No snapshots, no sleep, no console: what cannot be done is not there, so that verbs can say so. */
export function createSshProvider(): VmProvider {
  return {
    foreign: true,
    states: async (_, vms) => new Map(vms.map((vm): [string, VmState] => [vm.spec.name, 'running'])),
    start: async (task, vm) => leftAlone(task, vm.spec.name, 'started'),
    stop: async (task, vm) => leftAlone(task, vm.libvirtName, 'stopped'),
    shutdown: async (task, vm, how) => leftAlone(task, vm.spec.name, how === 'off' ? 'shut down' : 'rebooted'),
    bootSlots: async () => Infinity,
    watchBoot: () => ({ isSettled: async () => true }),
  }
}

function leftAlone(task: Task, vm: string, what: string): void {
  task.log('debug', `${vm} is not ${what}: it is a machine of others (vm-provider ssh)`)
}
