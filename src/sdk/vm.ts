/** A machine of an environment as an object. */
import path from 'node:path'
import type { VmPlan } from '../plan/types.js'
import { providerOf, statesOf } from '../prefix/prefix.js'
import { tailConsoleLog } from '../vm/console-log.js'
import { attach } from './attach.js'
import { exec, fail, script, succeed, waitUntilSucceeds } from './guest-commands.js'
import type { Opened } from './opened.js'
import { createService } from './service.js'
import type { Env, Rung, Vm, WaitOptions } from './types.js'

/** A guest may print without end. */
const MOST_CONSOLE_BYTES = 4 * 1024 ** 2

export function createVm(opened: Opened, env: () => Env, vm: VmPlan): Vm {
  const { name } = vm.spec
  const line = opened.line(name)
  const { cwd } = opened.session.surroundings
  const wait = async (rung: Rung, options: WaitOptions = {}): Promise<void> =>
    env().wait(rung, { ...options, vms: [name] })
  return {
    name,
    ip: vm.managementIp,
    nics: vm.nics,
    disks: vm.disks.map(({ spec, path, driver, metadata }) => ({
      name: spec.name,
      dev: spec.dev,
      path,
      format: driver,
      metadata,
    })),
    groups: vm.spec.groups,
    metadata: vm.spec.metadata,
    distro: vm.spec.distro ?? textOf(vm.disks[0]?.metadata['distro']),
    spec: vm.spec.raw,

    state: async () => opened.read(async (task, host) => (await statesOf(task, host, [vm])).get(name) ?? 'unknown'),
    cpu: async () => opened.read(async (task, host) => providerOf(host, vm).cpu?.(task, vm)),
    start: async () => env().start([name]),
    stop: async () => env().stop([name]),
    shutdown: async (options) => env().shutdown({ ...options, vms: [name] }),
    reboot: async ({ timeoutMs } = {}) => env().shutdown({ vms: [name], reboot: true, timeoutMs }),

    exec: async (command, options = {}) => exec(opened.task(), line, command, options),
    succeed: async (command, options = {}) => succeed(opened.task(), line, command, options),
    fail: async (command, options = {}) => fail(opened.task(), line, command, options),
    waitUntilSucceeds: async (command, options = {}) => waitUntilSucceeds(opened.task(), line, command, options),
    attach: async (command, options = {}) => attach(opened, vm, command, options),
    script: async (hostPath, options = {}) => script(opened.task(), line, path.resolve(cwd, hostPath), options),
    copyTo: async (hostPath, guestPath) => {
      const { copyToGuest } = await import('../guest/copy-to.js')
      const files = { from: path.resolve(cwd, hostPath), to: guestPath }
      await line.use(opened.task(), async (guest, task) => copyToGuest(task, guest, files))
    },
    copyFrom: async (guestPath, hostPath) => {
      const { copyFromGuest } = await import('../guest/copy-from.js')
      const files = { from: guestPath, to: path.resolve(cwd, hostPath) }
      await line.use(opened.task(), async (guest, task) => copyFromGuest(task, guest, files))
    },
    service: (service) => createService(opened, vm, service),

    wait,
    waitForSsh: async (options) => wait('ssh', options),
    waitForPort: async (port, options) => wait(`port:${port}`, options),
    waitForUnit: async (unit, options) => wait(`unit:${unit}`, options),
    waitForFile: async (guestPath, options = {}) =>
      void (await waitUntilSucceeds(opened.task(), line, ['test', '-e', guestPath], options)),

    consoleLog: async () =>
      (await tailConsoleLog(opened.prefix.layout.consoleLog(name), MOST_CONSOLE_BYTES)).toString(),
    snapshot: async (snapshot, options) => env().snapshot(snapshot, { ...options, vms: [name] }),
    revert: async (snapshot) => env().revert(snapshot, { vms: [name] }),
    snapshots: async () => (await env().snapshots()).get(name) ?? new Map(),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
