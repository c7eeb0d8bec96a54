/** The services in the guests of which oVirt consists. */
import { isLagoError, LagoError, messageOf } from '../../base/errors.js'
import { fanOut } from '../../base/fan-out.js'
import type { Task } from '../../base/task.js'
import { waitUntil, type Probe } from '../../base/wait.js'
import type { Env, Vm } from '../../index.js'
import { hostVms } from './roles.js'

export const ENGINE_SERVICE = 'ovirt-engine'

/** In the order in which they start. */
const HOST_SERVICES = ['supervdsmd', 'vdsmd']

export interface GuestService {
  readonly vm: string
  readonly service: string
}

/**
 * Until it is active; one that is down is started, once: a snapshot that was not brought to its end may have stopped it.
 * Throws `LAGO_SERVICE` at once when there is no such service, `LAGO_TIMEOUT` with the states that were seen.
 */
export async function waitForService(
  task: Task,
  vm: Vm,
  service: string,
  options: { readonly timeoutMs: number; readonly everyMs: number },
): Promise<void> {
  const what = `start of ${service} in ${vm.name}`
  let isStarted = false
  const probe = async (): Promise<Probe<void>> => {
    const state = await vm
      .service(service)
      .state()
      .catch((error: unknown) => {
        if (!isLagoError(error, 'LAGO_GUEST_UNREACHABLE')) throw error
        return messageOf(error)
      })
    if (state === 'active') return { value: undefined }
    if (state === 'missing')
      throw new LagoError('LAGO_SERVICE', `Service ${service} not present in ${vm.name}`, {
        hint: 'does a deploy script install it? lago start starts the VMs without looking at services',
        data: { vm: vm.name, service },
      })
    if (state === 'inactive' && !isStarted) {
      isStarted = true
      await vm.service(service).start()
    }
    return { notYet: state }
  }
  await task.step(`Wait for ${service} in ${vm.name}`, async (task) => waitUntil(task, what, probe, options))
}

/** Those of the running hosts that are active, in the order in which they stop. */
export async function activeHostServices(task: Task, env: Env): Promise<GuestService[]> {
  const found = await fanOut(task, hostVms(env), async (vm) => {
    const active: GuestService[] = []
    if ((await vm.state()) !== 'running') return active
    for (const service of HOST_SERVICES)
      if ((await vm.service(service).state()) === 'active') active.unshift({ vm: vm.name, service })
    return active
  })
  return found.flat()
}

export async function stopService(env: Env, { vm, service }: GuestService): Promise<void> {
  await env.vm(vm).service(service).stop()
}

/** Those that are there and are not active. A service that does not start is told, and the others are started. */
export async function startServices(task: Task, env: Env, services: readonly GuestService[]): Promise<void> {
  const vms = [...new Set(services.map(({ vm }) => vm))]
  await fanOut(task, vms, async (name) => {
    for (const { vm, service } of services.filter(({ vm }) => vm === name)) {
      const found = env.vm(vm).service(service)
      if ((await found.state()) === 'inactive') await found.start()
    }
  })
}

/** All that belong to oVirt in the VMs of an environment. */
export function servicesOfHosts(env: Env): GuestService[] {
  return hostVms(env).flatMap(({ name }) => HOST_SERVICES.map((service) => ({ vm: name, service })))
}
