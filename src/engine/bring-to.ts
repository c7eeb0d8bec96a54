/** From one state to another: look, ask where that can help, and look again, until it is there or the time is over. */
import { isLagoError, LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { waitUntil, type Probe } from '../base/wait.js'
import { isOutage, outageReason } from './client.js'
import { lookAt } from './resources.js'
import type { Engine, Resource } from './types.js'

export interface Aim {
  /** What the resource is: `storage domain`. */
  readonly kind: string
  /** Where it is to come. */
  readonly to: string
  /** States in which `action` is asked for. */
  readonly from: readonly string[]
  /** Undefined: it comes by itself. */
  readonly action?: 'activate' | 'deactivate' | 'start' | 'stop'
  /** States out of which nothing helps. */
  readonly hopeless?: readonly string[]
  /** For each resource. */
  readonly timeoutMs: number
}

/** All side by side, each as a step. Throws as `bringTo`. */
export async function bringAll(task: Task, engine: Engine, resources: readonly Resource[], aim: Aim): Promise<void> {
  const bring = async (resource: Resource, task: Task): Promise<void> =>
    task.step(`${aim.kind} ${resource.name}: ${aim.to}`, async (task) => bringTo(task, engine, resource, aim))
  await fanOut(task, resources, bring, { limit: Infinity }) // it is the engine that works
}

/**
 * Asks as often as its state calls for it. What the engine refuses because of something else (HTTP status 409) and
 * what gets lost while it is away is asked again; a lost answer does not matter, since the state says what was done.
 *
 * Throws `LAGO_ENGINE_STATE` for hopeless states, `LAGO_TIMEOUT` with the states that were seen, and what the engine
 * refuses for other reasons.
 */
async function bringTo(task: Task, engine: Engine, resource: Resource, aim: Aim): Promise<void> {
  const { to, from, action, hopeless = [], timeoutMs } = aim
  const { everyMs } = engine
  const what = `${aim.kind} ${resource.name} ${to}`
  let lastState = resource.status
  let lastSeen = `state ${lastState}`
  const notYet = (reason: string | undefined): Probe<void> => {
    lastSeen = `state ${lastState}${reason === undefined ? '' : `, ${reason}`}`
    return { notYet: lastSeen }
  }
  const probe = async (task: Task): Promise<Probe<void>> => {
    try {
      const { status } = await lookAt(task, engine, resource)
      lastState = status
      if (status === to) return { value: undefined }
      if (hopeless.includes(status)) throw isHopeless(what, resource, status)
      if (action !== undefined && from.includes(status)) await engine.ask(task, `${resource.path}/${action}`)
      return notYet(undefined)
    } catch (error) {
      const reason = passingReason(error)
      if (reason === undefined) throw error
      return notYet(reason)
    }
  }
  const wait = async (task: Task): Promise<void> => waitUntil(task, what, probe, { timeoutMs, everyMs })
  // the outer limit ends a request that hangs
  await task.within(timeoutMs + everyMs, what, wait).catch((error: unknown) => {
    if (!isLagoError(error, 'LAGO_TIMEOUT') || task.signal.aborted) throw error
    throw new LagoError(error.code, `${what} did not happen within ${timeoutMs / 1000} s; last seen: ${lastSeen}`, {
      data: { ...error.data, lastState, lastSeen },
      cause: error,
    })
  })
}

/** Undefined for what does not pass. */
function passingReason(error: unknown): string | undefined {
  if (isOutage(error)) return outageReason(error)
  if (isLagoError(error, 'LAGO_ENGINE_REFUSED') && error.data['status'] === CONFLICT) return error.message
  return undefined
}

const CONFLICT = 409

function isHopeless(what: string, { path }: Resource, status: string): LagoError {
  return new LagoError('LAGO_ENGINE_STATE', `${what} will not come: its state is ${status}`, {
    hint: 'the log of the engine says why: /var/log/ovirt-engine/engine.log',
    data: { what, status, path },
  })
}
