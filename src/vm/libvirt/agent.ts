/** The guest agent of a VM, through libvirt. It is a program of the guest's: it may be silent, and it may lie. */
import { isLagoError, LagoError, messageOf } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import { unlessAborted } from '../../base/unless-aborted.js'
import { VIR_ERR_NO_DOMAIN } from '../../libvirt/constants.js'
import { isLibvirtError } from '../../libvirt/errors.js'
import type { LibvirtConnection, QemuCommand } from '../../libvirt/types.js'
import type { VmPlan } from '../../plan/types.js'
import type { GuestAgent } from '../provider.js'

export type AgentVm = Pick<VmPlan, 'libvirtName'> & { readonly spec: Pick<VmPlan['spec'], 'name'> }

/** hwclock(8), which the agent runs after it has set the clock, waits for the next full second. */
const SET_TIME_MS = 15_000
/** What is in the guest's page cache is written first; an emulated disk takes its time. */
const FREEZE_MS = 60_000

/**
 * A ping that is not answered goes on in the background for as long as libvirt waits, and pings that come meanwhile
 * wait for that one: however often it is repeated, there is one question at a time.
 *
 * `freeze` that fails thaws what it may have frozen. Everything throws `LAGO_AGENT`; a VM that does not exist is
 * libvirt's `LAGO_LIBVIRT`.
 */
export function guestAgent(libvirt: Pick<LibvirtConnection, 'agentCommand'>, vm: AgentVm): GuestAgent {
  let pinging: Promise<unknown> | undefined

  async function ask(task: Task, command: QemuCommand, timeoutMs: number): Promise<unknown> {
    try {
      const timeoutS = Math.max(1, Math.ceil(timeoutMs / 1000))
      return await libvirt.agentCommand(task, vm.libvirtName, command, timeoutS)
    } catch (error) {
      task.signal.throwIfAborted()
      const isAgents =
        isLagoError(error, 'LAGO_QEMU') ||
        (isLagoError(error, 'LAGO_LIBVIRT') && !isLibvirtError(error, VIR_ERR_NO_DOMAIN))
      throw isAgents ? agentError(vm, command, messageOf(error), error) : error
    }
  }

  async function startPing(task: Task, timeoutMs: number): Promise<unknown> {
    const limitMs = timeoutMs + PING_GRACE_MS
    return task
      .shielded(limitMs, async (task) => ask(task, { execute: 'guest-ping' }, timeoutMs))
      .finally(() => (pinging = undefined))
  }

  return {
    async ping(task, timeoutMs) {
      task.signal.throwIfAborted()
      pinging ??= startPing(task, timeoutMs)
      const answer = await inTime(task, pinging, { vm, timeoutMs })
      if (!isEmptyObject(answer)) throw agentLied(vm, { execute: 'guest-ping' })
    },

    async setTime(task, atMs) {
      const command = { execute: 'guest-set-time', arguments: { time: Math.round(atMs) * 1e6 } }
      if (!isEmptyObject(await ask(task, command, SET_TIME_MS))) throw agentLied(vm, command)
    },

    async freeze(task) {
      const command = { execute: 'guest-fsfreeze-freeze' }
      try {
        const frozen = await ask(task, command, FREEZE_MS)
        if (!isCount(frozen)) throw agentLied(vm, command)
      } catch (error) {
        // it may have frozen some, or do it later than anybody waits for
        await task
          .shielded(FREEZE_MS, async (task) => ask(task, { execute: 'guest-fsfreeze-thaw' }, FREEZE_MS))
          .catch((failure: unknown) => task.log('debug', `${vm.spec.name}: no thaw: ${messageOf(failure)}`))
        throw error
      }
    },

    async thaw(task) {
      const command = { execute: 'guest-fsfreeze-thaw' }
      if (!isCount(await ask(task, command, FREEZE_MS))) throw agentLied(vm, command)
    },
  }
}

/** Beside the answer, libvirt waits as long for the agent to listen at all. */
const PING_GRACE_MS = 20_000

/** `pinging` is shared, so that this caller's time and abort end the wait and not the question. */
async function inTime(
  task: Task,
  pinging: Promise<unknown>,
  { vm, timeoutMs }: { vm: AgentVm; timeoutMs: number },
): Promise<unknown> {
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), timeoutMs)
  const signal = AbortSignal.any([task.signal, limit.signal])
  try {
    return await unlessAborted(signal, pinging)
  } catch (error) {
    task.signal.throwIfAborted()
    if (!signal.aborted) throw error
    throw agentError(vm, { execute: 'guest-ping' }, `no answer within ${timeoutMs / 1000} s`)
  } finally {
    clearTimeout(timer)
  }
}

function isEmptyObject(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && !Array.isArray(answer) && Object.keys(answer).length === 0
}

function isCount(answer: unknown): boolean {
  return Number.isSafeInteger(answer) && Number(answer) >= 0
}

function agentLied(vm: AgentVm, command: QemuCommand): LagoError {
  return agentError(vm, command, 'the answer is none to this question')
}

/** What the guest says may be long, and may be made to look like something else. */
function agentError(vm: AgentVm, { execute }: QemuCommand, reason: string, cause?: unknown): LagoError {
  const said = reason.replace(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_REASON_LENGTH)
  return new LagoError('LAGO_AGENT', `the guest agent of ${vm.spec.name} did not do ${execute}: ${said}`, {
    hint: 'is qemu-guest-agent installed in the guest, and running?',
    data: { vm: vm.spec.name, command: execute },
    cause,
  })
}

const MAX_REASON_LENGTH = 300
