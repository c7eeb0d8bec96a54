/** For which distributions an environment needs packages. */
import { isLagoError, LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { Env, Vm } from '../../index.js'
import { requireDistroName } from '../../rpm/distro-name.js'
import { engineVm, hostVms } from './roles.js'

export interface Distros {
  readonly engine: readonly string[]
  readonly hosts: readonly string[]
  readonly all: readonly string[]
}

/**
 * Of engine and hosts, each once. One that nobody knows is told.
 * Throws `LAGO_DISTRO_NAME`, and `LAGO_NO_DISTRO` when none is known.
 */
export function distrosOf(task: Task, env: Env): Distros {
  const [engines, hosts] = [enginesOf(env), hostVms(env)]
  const vms = [...engines, ...hosts]
  for (const { name, distro } of vms) if (distro !== undefined) requireDistroName(distro, name)
  const unknown = vms.filter(({ distro }) => distro === undefined).map(({ name }) => name)
  const all = distinct(vms)
  if (all.length === 0)
    throw new LagoError(
      'LAGO_NO_DISTRO',
      vms.length === 0
        ? `no VM of ${env.prefixDir} is an engine or a host`
        : `nobody knows the distribution of ${unknown.join(', ')}, so that there is no telling which packages they need`,
      {
        hint: 'it is the "distro" of a VM in the init file, or of the metadata of its template: el7, fc24',
        data: { vms: unknown },
      },
    )
  for (const name of unknown)
    task.log('warning', `nobody knows the distribution of ${name}: neither the init file nor its template names one`)
  return { engine: distinct(engines), hosts: distinct(hosts), all }
}

function distinct(vms: readonly Vm[]): string[] {
  return [...new Set(vms.flatMap(({ distro }) => (distro === undefined ? [] : [distro])))]
}

function enginesOf(env: Env): Vm[] {
  try {
    return [engineVm(env)]
  } catch (error) {
    if (isLagoError(error, 'LAGO_NO_ENGINE')) return []
    throw error
  }
}
