import { checkServiceName, serviceActions, type ServiceControl, type ServiceManager } from './manager.js'

const BINARY = '/sbin/service'

const control: ServiceControl = {
  async state(task, guest, service) {
    const { exitCode, stdout } = await guest.run(task, [BINARY, checkServiceName(service), 'status'])
    if (exitCode === 0) return 'active'
    return exitCode === NOT_RUNNING || stdout.trimEnd().endsWith('is stopped') ? 'inactive' : 'missing'
  },
  change: async (task, guest, service, verb) => guest.run(task, [BINARY, checkServiceName(service), verb]),
}

/** LSB 5.0, "Init Script Actions": the program is not running. */
const NOT_RUNNING = 3

export const sysvinit: ServiceManager = { binary: BINARY, ...serviceActions(control) }
