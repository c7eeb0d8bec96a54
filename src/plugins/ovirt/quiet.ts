/**
 * An oVirt at rest: storage domains and hosts in maintenance, services stopped. What is taken out of service is noted before
 * it is asked for, so that this run brings all of it back, whatever happens meanwhile; of one that was killed, `start` does.
 */
import { factsOf, LagoError, messageOf } from '../../base/errors.js'
import { joinFailures } from '../../base/fan-out.js'
import { isCancelled, type Task } from '../../base/task.js'
import { activateHosts, deactivateHosts } from '../../engine/hosts.js'
import { listAttachedDomains, listHosts, listVms } from '../../engine/resources.js'
import { activateDomains, deactivateDomains } from '../../engine/storage-domains.js'
import type { Engine, EngineHost, EngineOptions, Resource, StorageDomain } from '../../engine/types.js'
import { ordinaryVms } from '../../engine/vms.js'
import type { Env } from '../../index.js'
import { withEngine } from './engine-access.js'
import { activeHostServices, ENGINE_SERVICE, startServices, stopService, type GuestService } from './guest-services.js'
import { LIMITS } from './limits.js'
import { engineVm } from './roles.js'

/** What has been taken out of service. */
export interface Taken {
  readonly hosts: EngineHost[]
  readonly domains: StorageDomain[]
  readonly services: GuestService[]
}

export function nothingTaken(): Taken {
  return { hosts: [], domains: [], services: [] }
}

/**
 * Storage domains that are active, masters last, and then hosts that are up. Throws `LAGO_ENGINE_STATE` before anything is
 * touched when VMs of the engine run, whose storage it would not let go, and as `bringAll`.
 */
export async function putIntoMaintenance(task: Task, engine: Engine, taken: Taken): Promise<void> {
  await task.step('Put storage domains and hosts into maintenance', async (task) => {
    await requireVmsDown(task, engine)
    const hosts = (await listHosts(task, engine)).filter(({ status }) => status !== 'maintenance')
    // without a host nobody has anything to do with the storage, and the engine refuses to do something about it
    const attached = hosts.length === 0 ? [] : await listAttachedDomains(task, engine)
    const domains = attached.filter(({ status }) => status !== 'maintenance')
    taken.domains.push(...domains.filter(({ status }) => status !== 'inactive'))
    await deactivateDomains(task, engine, domains, LIMITS.storageDomainMs)
    taken.hosts.push(...hosts.filter(({ status }) => status === 'up'))
    await deactivateHosts(task, engine, hosts, LIMITS.oldHostMs)
  })
}

async function requireVmsDown(task: Task, engine: Engine): Promise<void> {
  const running = ordinaryVms(await listVms(task, engine)).filter(({ status }) => status !== 'down')
  if (running.length === 0) return
  const names = running.map(({ name }) => name)
  throw new LagoError('LAGO_ENGINE_STATE', `VMs of the engine run: ${names.join(', ')}; their storage is in use`, {
    hint: 'lago ovirt stop-vms',
    data: { vms: names },
  })
}

/** The engine's first: it would miss its hosts. */
export async function stopServices(task: Task, env: Env, taken: Taken): Promise<void> {
  await task.step('Stop the services of oVirt', async (task) => {
    const engine = { vm: engineVm(env).name, service: ENGINE_SERVICE }
    for (const service of [engine, ...(await activeHostServices(task, env))]) {
      taken.services.push(service)
      await stopService(env, service)
    }
  })
}

/**
 * Services, hosts and storage domains, in the order in which they need each other. One that does not come does not keep
 * the others from it. Throws `LAGO_ENGINE_NOT_RESTORED`, which names what is not back.
 */
export async function bringBack(task: Task, env: Env, access: EngineOptions, taken: Taken): Promise<void> {
  const { hosts, domains, services } = taken
  if (hosts.length + domains.length + services.length === 0) return
  const failures: unknown[] = []
  const attempt = async (work: Promise<unknown>): Promise<unknown> =>
    work.catch((error: unknown) => void failures.push(error))
  let left: readonly Resource[] = [...hosts, ...domains]
  const activate = async (task: Task, engine: Engine): Promise<void> => {
    await attempt(activateHosts(task, engine, hosts, LIMITS.oldHostMs))
    // without any host they would be waited for in vain
    if ((await listHosts(task, engine)).some(({ status }) => status === 'up'))
      await attempt(activateDomains(task, engine, domains, LIMITS.storageDomainMs))
    left = await notYetBack(task, engine, taken)
  }
  await task.step('Bring oVirt back into service', async (task) => {
    const ofHosts = services.filter(({ service }) => service !== ENGINE_SERVICE).reverse()
    await attempt(startServices(task, env, ofHosts))
    // whether we have stopped it or not: without it nothing more can be done
    await attempt(startServices(task, env, [{ vm: engineVm(env).name, service: ENGINE_SERVICE }]))
    if (left.length > 0)
      await attempt(withEngine(task, access, async (engine) => activate(task, engine), LIMITS.engineApiMs))
    if (failures.length > 0) throw notBack(left, failures)
  })
}

async function notYetBack(task: Task, engine: Engine, { hosts, domains }: Taken): Promise<Resource[]> {
  const [hostsNow, domainsNow] = [await listHosts(task, engine), await listAttachedDomains(task, engine)]
  const isBack = (now: readonly Resource[], status: string, { id }: Resource): boolean =>
    now.some((resource) => resource.id === id && resource.status === status)
  return [
    ...hosts.filter((host) => !isBack(hostsNow, 'up', host)),
    ...domains.filter((domain) => !isBack(domainsNow, 'active', domain)),
  ]
}

function notBack(left: readonly Resource[], failures: readonly unknown[]): unknown {
  const cause = joinFailures(failures)
  if (isCancelled(cause)) return cause
  const names = left.map(({ name }) => name)
  const what = names.length === 0 ? 'oVirt is not wholly back in service' : `not back in service: ${names.join(', ')}`
  return new LagoError('LAGO_ENGINE_NOT_RESTORED', `${what}: ${messageOf(cause)}`, {
    hint: 'when its reason is gone: lago ovirt start-hosts, and activate storage domains in the web interface',
    data: { left: names, ...factsOf(cause) },
    cause,
  })
}
