/** The guest agent of a VM, through libvirt. It is a program of the guest's: it may be silent, and it may lie. */
import { isLagoError, LagoError, messageOf } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import { unlessAborted } from '../../base/unless-aborted.js'
import { VIR_ERR_NO_DOMAIN } from '../../libvirt/constants.js'
import { isLibvirtError } from '../../libvirt/errors.js'
import type { LibvirtConnection, QemuCommand } from '../../libvirt/types.js'
import type { VmPlan } from '../../plan/types.js'
import type { GuestAgent } from '../provider.js'
import { isCount, isEmptyObject, isInfo } from './agent-answer.js'
import { runByAgent } from './agent-run.js'

export type AgentVm = Pick<VmPlan, 'libvirtName'> & { readonly spec: Pick<VmPlan['spec'], 'name'> }

/** hwclock(8), which the agent runs after it has set the clock, waits for the next full second. */
const SET_TIME_MS = 15_000
/** What is in the guest's page cache is written first; an emulated disk takes its time. */
const FREEZE_MS = 60_000
/** The agent knows the answer. */
const KNOWN_MS = 10_000
/** Small files are written, and chpasswd(8) is run. */
const ACCOUNT_MS = 30_000

/**
 * A ping that is not answered goes on in the background for as long as libvirt waits, and pings that come meanwhile
 * wait for that one: however often it is repeated, there is one question at a time.
 *
 * `freeze` that fails thaws what it may have frozen. Everything throws `LAGO_AGENT`; a VM that does not exist is
 * libvirt's `LAGO_LIBVIRT`.
 */
export function guestAgent(libvirt: Pick<LibvirtConnection, 'agentCommand'>, vm: AgentVm): GuestAgent {
  let pinging: Promise<unknown> | undefined

  async function ask<T>(
    task: Task,
    command: QemuCommand,
    isMeant: (answer: unknown) => answer is T,
    { timeoutMs, secrets = [] }: { readonly timeoutMs: number; readonly secrets?: readonly string[] },
  ): Promise<T> {
    try {
      const timeoutS = Math.max(1, Math.ceil(timeoutMs / 1000))
      const answer = await libvirt.agentCommand(task, vm.libvirtName, command, timeoutS)
      if (isMeant(answer)) return answer
    } catch (error) {
      task.signal.throwIfAborted()
      const isAgents =
        isLagoError(error, 'LAGO_QEMU') ||
        (isLagoError(error, 'LAGO_LIBVIRT') && !isLibvirtError(error, VIR_ERR_NO_DOMAIN))
      if (!isAgents) throw error
      const reason = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), messageOf(error))
      throw agentError(vm, command, reason, secrets.length === 0 ? error : undefined)
    }
    throw agentError(vm, command, 'the answer is none to this question')
  }

  async function startPing(task: Task, timeoutMs: number): Promise<unknown> {
    const limitMs = timeoutMs + PING_GRACE_MS
    return task
      .shielded(limitMs, async (task) => ask(task, PING, isEmptyObject, { timeoutMs }))
      .finally(() => (pinging = undefined))
  }

  return {
    async ping(task, timeoutMs) {
      task.signal.throwIfAborted()
      pinging ??= startPing(task, timeoutMs)
      await inTime(task, pinging, { vm, timeoutMs })
    },

    async setTime(task, atMs) {
      const command = { execute: 'guest-set-time', arguments: { time: Math.round(atMs) * 1e6 } }
      await ask(task, command, isEmptyObject, { timeoutMs: SET_TIME_MS })
    },

    async freeze(task) {
      try {
        await ask(task, { execute: 'guest-fsfreeze-freeze' }, isCount, { timeoutMs: FREEZE_MS })
      } catch (error) {
        // it may have frozen some, or do it later than anybody waits for
        await task
          .shielded(FREEZE_MS, async (task) => ask(task, THAW, isCount, { timeoutMs: FREEZE_MS }))
          .catch((failure: unknown) => task.log('debug', `${vm.spec.name}: no thaw: ${messageOf(failure)}`))
        throw error
      }
    },

    async thaw(task) {
      await ask(task, THAW, isCount, { timeoutMs: FREEZE_MS })
    },

    async commands(task) {
      const facts = await ask(task, { execute: 'guest-info' }, isInfo, { timeoutMs: KNOWN_MS })
      return new Map(facts.supported_commands.map(({ name, enabled }) => [name, enabled]))
    },

    async run(task, argv, timeoutMs) {
      const request = { vm: vm.spec.name, argv, timeoutMs }
      return runByAgent(
        task,
        async (task, command, isMeant) => ask(task, command, isMeant, { timeoutMs: KNOWN_MS }),
        request,
      )
    },

    async addAuthorizedKeys(task, user, keys) {
      const command = { execute: 'guest-ssh-add-authorized-keys', arguments: { username: user, keys } }
      await ask(task, command, isEmptyObject, { timeoutMs: ACCOUNT_MS })
    },

    async setPassword(task, user, password) {
      const base64 = Buffer.from(password).toString('base64')
      const account = { username: user, password: base64, crypted: false }
      const command = { execute: 'guest-set-user-password', arguments: account }
      await ask(task, command, isEmptyObject, { timeoutMs: ACCOUNT_MS, secrets: [password, base64] })
    },
  }
}

const PING = { execute: 'guest-ping' }
const THAW = { execute: 'guest-fsfreeze-thaw' }

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
    throw agentError(vm, PING, `no answer within ${timeoutMs / 1000} s`)
  } finally {
    clearTimeout(timer)
  }
}

/** What the guest says may be long, and may be made to look like something else. */
function agentError(vm: AgentVm, { execute }: QemuCommand, reason: string, cause?: unknown): LagoError {
  const said = reason.replace(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_REASON_LENGTH)
  return new LagoError('LAGO_AGENT', `the guest agent of ${vm.spec.name} did not do ${execute}: ${said}`, {
    hint: LACKS_COMMAND.test(reason) ? OTHER_AGENT : 'is qemu-guest-agent installed in the guest, and running?',
    data: { vm: vm.spec.name, command: execute },
    cause,
  })
}

const MAX_REASON_LENGTH = 300

/** qapi/qmp-dispatch.c, QEMU 2.5 to 9. */
const LACKS_COMMAND = /has not been found|has been disabled/
const OTHER_AGENT =
  'the agent may be too old for it, or forbid it in /etc/sysconfig/qemu-ga or /etc/qemu/qemu-ga.conf of the guest'
