/**
 * Services inside a guest: which program manages them is found out, what it says is believed only as far as its exit
 * code and a few expected words (spec 6.7).
 */
import { LagoError } from '../../base/errors.js'
import { lastLines } from '../../base/plain-text.js'
import type { Registry } from '../../base/registry.js'
import type { Task } from '../../base/task.js'
import type { Guest, GuestResult } from '../guest.js'

export type ServiceState = 'active' | 'inactive' | 'missing'

export interface ServiceManager {
  /** Absolute path in the guest; a guest that has it is taken to be managed this way. */
  readonly binary: string
  /** Throws `LAGO_SERVICE` for what cannot be a service's name. */
  state(task: Task, guest: Guest, service: string): Promise<ServiceState>
  /** Does nothing for a service that is active. Throws `LAGO_SERVICE` for one that is missing or does not start. */
  start(task: Task, guest: Guest, service: string): Promise<void>
  stop(task: Task, guest: Guest, service: string): Promise<void>
}

/**
 * The name of the first of `managers` whose binary is in the guest, by one command for all.
 * Throws `LAGO_SERVICE` when there is none, listing them.
 */
export async function detectServiceManager(
  task: Task,
  guest: Guest,
  managers: Registry<ServiceManager>,
): Promise<string> {
  const names = managers.names()
  const { stdout } = await guest.run(task, [
    'sh',
    '-c',
    FIRST_THERE,
    'sh',
    ...names.map((name) => managers.get(name).binary),
  ])
  const found = names.find((name) => managers.get(name).binary === stdout.trim())
  if (found !== undefined) return found
  throw new LagoError('LAGO_SERVICE', `no known service manager is in ${guest.vm}; known: ${names.join(', ')}`, {
    hint: 'name one with service_provider in the init file, or add one with a plugin',
    data: { vm: guest.vm, known: names },
  })
}

const FIRST_THERE = 'for file; do if [ -x "$file" ]; then echo "$file"; exit 0; fi; done; exit 1'

/** One place where services are managed. */
export interface ServiceControl {
  state(task: Task, guest: Guest, service: string): Promise<ServiceState>
  change(task: Task, guest: Guest, service: string, verb: ServiceVerb): Promise<GuestResult>
}

export type ServiceVerb = 'start' | 'stop'

/** Start and stop of a manager that has one place for its services. */
export function serviceActions(control: ServiceControl): Pick<ServiceManager, 'state' | 'start' | 'stop'> {
  const change =
    (verb: ServiceVerb) =>
    async (task: Task, guest: Guest, service: string): Promise<void> =>
      changeService(task, guest, service, { control, verb })
  return { state: control.state, start: change('start'), stop: change('stop') }
}

/** Throws `LAGO_SERVICE`. The state is asked for only after a failure: most of the time one command is enough. */
async function changeService(
  task: Task,
  guest: Guest,
  service: string,
  { control, verb }: { readonly control: ServiceControl; readonly verb: ServiceVerb },
): Promise<void> {
  const result = await control.change(task, guest, service, verb)
  if (result.exitCode === 0) return
  const isMissing = (await control.state(task, guest, service)) === 'missing'
  const what = isMissing ? `Service ${service} not present` : `Failed to ${verb} service ${service}`
  throw new LagoError('LAGO_SERVICE', `${what} in ${guest.vm}${isMissing ? '' : lastLine(result.stderr)}`, {
    data: { vm: guest.vm, service, exitCode: result.exitCode },
  })
}

function lastLine(text: string): string {
  return lastLines(text, 1)
    .map((line) => `: ${line}`)
    .join('')
}

/** Names go to the guest as words of a command, where a dash would make options of them. Throws `LAGO_SERVICE`. */
export function checkServiceName(service: string): string {
  if (/^[\w@.:\\][\w@.:\\-]*$/.test(service)) return service
  throw new LagoError('LAGO_SERVICE', `${JSON.stringify(service)} is not the name of a service`, {
    hint: 'letters, digits and @ . : _ - \\, no dash in front',
    data: { service },
  })
}
