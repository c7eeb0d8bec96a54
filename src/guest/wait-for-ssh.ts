/** Waiting until a guest's ssh server greets, without a handshake: that would cost an emulated guest a second of CPU. */
import { isLagoError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { waitUntil, type Probe } from '../base/wait.js'
import { isHostKeyKnown } from './host-key.js'
import { probePort, type PortAnswer } from './probe-port.js'
import type { SshTarget } from './ssh-command.js'

const SSH_PORT = 22
const EVERY_MS = 100
/** Whoever waits longer is told what for. */
const TELL_AFTER_MS = 5000

export interface SshServer {
  /** For messages. */
  readonly vm: string
  readonly ip: string
  /** Default 22. */
  readonly port?: number
}

/** `text`: what was found instead. */
export type SshAnswer = { readonly kind: 'ssh' } | { readonly kind: PortAnswer['kind']; readonly text: string }

/**
 * Waits until something at the guest's address says `SSH-`.
 * Throws `LAGO_GUEST_UNREACHABLE` after `timeoutMs` with the folded tries.
 */
export async function waitForSsh(task: Task, guest: SshServer, timeoutMs: number): Promise<void> {
  const tellAtMs = Date.now() + TELL_AFTER_MS
  let isTold = false
  const probe = async (task: Task): Promise<Probe<true>> => {
    if (!isTold && Date.now() >= tellAtMs) {
      isTold = true
      task.log('info', `waiting for ssh on ${guest.vm}, at most ${timeoutMs / 1000} s`)
    }
    const answer = await probeSsh(task, guest)
    return answer.kind === 'ssh' ? { value: true } : { notYet: answer.text }
  }
  try {
    await waitUntil(task, `ssh on ${guest.vm}`, probe, { timeoutMs, everyMs: EVERY_MS })
  } catch (error) {
    if (!isLagoError(error, 'LAGO_TIMEOUT') || error.data['attempts'] === undefined) throw error
    throw unreachable(guest, timeoutMs, error)
  }
}

/** One look for ssh's greeting. Rejects only when the task is aborted. */
export async function probeSsh(task: Task, { ip, port = SSH_PORT }: Omit<SshServer, 'vm'>): Promise<SshAnswer> {
  const answer = await probePort(task, { ip, port, greeting: true })
  if (answer.kind !== 'open' || answer.greeting === undefined) return answer
  const isSsh = answer.greeting.startsWith('SSH-')
  return isSsh ? { kind: 'ssh' } : { kind: 'open', text: `${ip}:${port} speaks something else than ssh` }
}

/** True: the guest greets, and nobody else can pass for it, since its host key is known. */
export async function isSurelyUp(task: Task, target: SshTarget): Promise<boolean> {
  return (await isHostKeyKnown(target)) && (await probeSsh(task, target)).kind === 'ssh'
}

function unreachable(guest: SshServer, timeoutMs: number, cause: LagoError): LagoError {
  const attempts = Object.entries(cause.data['attempts'] as Record<string, number>) // written by waitUntil
  const lines = attempts.map(([reason, count]) => `\n  ${count} x ${reason}`)
  return new LagoError(
    'LAGO_GUEST_UNREACHABLE',
    `${guest.vm} did not accept ssh within ${timeoutMs / 1000} s${lines.join('')}`,
    {
      hint: `is it booting? what it printed: lago console ${guest.vm} --log; limit: boot_time_sec in the init file, or --ssh-tries and --ssh-timeout`,
      data: cause.data,
      cause,
    },
  )
}
