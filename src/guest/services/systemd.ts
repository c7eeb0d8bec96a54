import { checkServiceName, serviceActions, type ServiceControl, type ServiceManager } from './manager.js'

export const systemd: ServiceManager = {
  binary: '/usr/bin/systemctl',
  ...serviceActions(systemctl(['/usr/bin/systemctl'])),
}

/** Services of the systemd that `words`, the start of a command, talk to. */
export function systemctl(words: readonly string[]): ServiceControl {
  return {
    async state(task, guest, service) {
      const status = ['status', '--no-pager', '--lines=0', '--', checkServiceName(service)]
      const { exitCode, stdout } = await guest.run(task, [...words, ...status])
      if (exitCode === 0) return 'active'
      return LOADED.exec(stdout)?.[1] === 'loaded' ? 'inactive' : 'missing'
    },
    change: async (task, guest, service, verb) => guest.run(task, [...words, verb, '--', checkServiceName(service)]),
  }
}

/** The first such line is systemd's own; without `--lines=0` a service's own messages would follow. */
const LOADED = /^\s*Loaded: (\S+)/m
