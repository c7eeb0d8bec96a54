/** Services in the guests of a prefix. What is found out about a guest comes back in its plan, for `savePrefix`. */
import type { Task } from '../base/task.js'
import { findAgentService } from '../guest/agent-service.js'
import type { Guest } from '../guest/guest.js'
import { detectServiceManager, type ServiceManager } from '../guest/services/manager.js'
import type { GuestFacts, VmPlan } from '../plan/types.js'
import type { Host } from './host.js'

export interface FoundServices {
  readonly manager: ServiceManager
  /** The very `vm` when nothing new was learnt. */
  readonly vm: VmPlan
}

/**
 * What manages the services of `vm`: as its init file says, else as was found before, else by asking `guest`.
 * Throws `LAGO_UNKNOWN_KIND` for a name that nobody defines, `LAGO_SERVICE` when nothing known is in the guest.
 */
export async function findServices(
  task: Task,
  { services }: Pick<Host, 'services'>,
  vm: VmPlan,
  guest: Guest,
): Promise<FoundServices> {
  const known = givenName(vm, 'service_provider') ?? vm.found.serviceManager
  if (known !== undefined) return { manager: services.get(known), vm }
  const serviceManager = await detectServiceManager(task, guest, services)
  return { manager: services.get(serviceManager), vm: withFacts(vm, { serviceManager }) }
}

export interface FoundAgent extends FoundServices {
  readonly service: string
}

/** The service of the guest agent, which need not be active. Throws as `findServices`. */
export async function findAgent(
  task: Task,
  host: Pick<Host, 'services'>,
  vm: VmPlan,
  guest: Guest,
): Promise<FoundAgent> {
  const found = await findServices(task, host, vm, guest)
  const known = givenName(vm, 'guest-agent') ?? vm.found.guestAgent
  if (known !== undefined) return { ...found, service: known }
  const guestAgent = await findAgentService(task, guest, found.manager)
  return { ...found, vm: withFacts(found.vm, { guestAgent }), service: guestAgent }
}

/**
 * Starts the guest agent where its service is there and not active; gives the service's name when it was started.
 * Throws as `findAgent`, and `LAGO_SERVICE` when it does not start.
 */
export async function startAgent(
  task: Task,
  host: Pick<Host, 'services'>,
  vm: VmPlan,
  guest: Guest,
): Promise<string | undefined> {
  const { manager, service } = await findAgent(task, host, vm, guest)
  if ((await manager.state(task, guest, service)) !== 'inactive') return undefined
  await manager.start(task, guest, service)
  return service
}

/** What the init file says; it has no typed place in the spec. */
function givenName(vm: VmPlan, key: 'service_provider' | 'guest-agent'): string | undefined {
  const given = vm.spec.raw[key]
  return typeof given === 'string' ? given : undefined
}

function withFacts(vm: VmPlan, facts: GuestFacts): VmPlan {
  return { ...vm, found: { ...vm.found, ...facts } }
}
