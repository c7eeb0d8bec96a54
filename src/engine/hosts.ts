/** Hosts of an engine into maintenance and out of it. */
import type { Task } from '../base/task.js'
import { bringAll } from './bring-to.js'
import type { Engine, EngineHost } from './types.js'

/** The engine has given such a host up; somebody must see to it. */
const LOST = ['non_operational', 'install_failed', 'error']

/**
 * Those that are up already are left alone. `timeoutMs` is for each. Throws `LAGO_ENGINE_STATE` for one that the engine
 * cannot use, `LAGO_TIMEOUT` with its last state.
 */
export async function activateHosts(
  task: Task,
  engine: Engine,
  hosts: readonly EngineHost[],
  timeoutMs: number,
): Promise<void> {
  await bringAll(task, engine, hosts, {
    kind: 'host',
    to: 'up',
    from: ['maintenance'],
    action: 'activate',
    hopeless: LOST,
    timeoutMs,
  })
}

/** The same the other way; a host that does not respond may run what nobody knows of, and is an error, too. */
export async function deactivateHosts(
  task: Task,
  engine: Engine,
  hosts: readonly EngineHost[],
  timeoutMs: number,
): Promise<void> {
  await bringAll(task, engine, hosts, {
    kind: 'host',
    to: 'maintenance',
    from: ['up'],
    action: 'deactivate',
    hopeless: [...LOST, 'non_responsive'],
    timeoutMs,
  })
}
