/** A service in a guest. What manages services there is found out once, and written into the prefix. */
import type { Task } from '../base/task.js'
import type { Guest } from '../guest/guest.js'
import type { ServiceManager } from '../guest/services/manager.js'
import type { VmPlan } from '../plan/types.js'
import { getVm, savePrefix, withVms } from '../prefix/prefix.js'
import { findServices } from '../prefix/services.js'
import type { Opened } from './opened.js'
import type { Service } from './types.js'

export function createService(opened: Opened, vm: VmPlan, service: string): Service {
  const use = async <T>(work: (task: Task, manager: ServiceManager, guest: Guest) => Promise<T>): Promise<T> =>
    opened.line(vm.spec.name).use(opened.task(), async (guest, task) => {
      return work(task, await managerOf(opened, vm.spec.name, guest), guest)
    })
  return {
    state: async () => use(async (task, manager, guest) => manager.state(task, guest, service)),
    start: async () => use(async (task, manager, guest) => manager.start(task, guest, service)),
    stop: async () => use(async (task, manager, guest) => manager.stop(task, guest, service)),
  }
}

async function managerOf(opened: Opened, name: string, guest: Guest): Promise<ServiceManager> {
  const { manager, isNew } = await opened.read(async (task, host, { plan }) => {
    const vm = getVm(plan, name)
    const found = await findServices(task, host, vm, guest)
    return { manager: found.manager, isNew: found.vm !== vm }
  })
  if (isNew)
    await opened.change({ verb: 'service' }, async (task, host, prefix) => {
      const found = await findServices(task, host, getVm(prefix.plan, name), guest)
      await savePrefix(prefix, withVms(prefix.plan, [found.vm]))
    })
  return manager
}
