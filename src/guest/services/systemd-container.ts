/** Services in oVirt's container `vdsmc`; those that it does not have are the guest's own (spec 6.7). */
import type { Task } from '../../base/task.js'
import type { Guest } from '../guest.js'
import { serviceActions, type ServiceControl, type ServiceManager } from './manager.js'
import { systemctl } from './systemd.js'

const BINARY = '/usr/bin/docker'
const inContainer = systemctl([BINARY, 'exec', 'vdsmc', 'systemctl'])
const inGuest = systemctl(['/usr/bin/systemctl'])

const control: ServiceControl = {
  async state(task, guest, service) {
    const state = await inContainer.state(task, guest, service)
    return state === 'missing' ? inGuest.state(task, guest, service) : state
  },
  async change(task, guest, service, verb) {
    const place = (await isInContainer(task, guest, service)) ? inContainer : inGuest
    return place.change(task, guest, service, verb)
  },
}

async function isInContainer(task: Task, guest: Guest, service: string): Promise<boolean> {
  return (await inContainer.state(task, guest, service)) !== 'missing'
}

export const systemdContainer: ServiceManager = { binary: BINARY, ...serviceActions(control) }
