/** Waiting until a guest's ssh server greets, without a handshake: that would cost an emulated guest a second of CPU. */
import { connect } from 'node:net'
import { isLagoError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { waitUntil, type Probe } from '../base/wait.js'

const SSH_PORT = 22
const EVERY_MS = 100
/** Short, so that each try asks the network anew for an address that was silent before. */
const TRY_MS = 500

export interface SshServer {
  /** For messages. */
  readonly vm: string
  readonly ip: string
  /** Default 22. */
  readonly port?: number
}

/**
 * Waits until something at the guest's address says `SSH-`.
 * Throws `LAGO_GUEST_UNREACHABLE` after `timeoutMs` with the folded tries.
 */
export async function waitForSsh(task: Task, guest: SshServer, timeoutMs: number): Promise<void> {
  const probe = async (): Promise<Probe<true>> => greeting(guest.ip, guest.port ?? SSH_PORT, task.signal)
  try {
    await waitUntil(task, `ssh on ${guest.vm}`, probe, { timeoutMs, everyMs: EVERY_MS })
  } catch (error) {
    if (!isLagoError(error, 'LAGO_TIMEOUT') || error.data['attempts'] === undefined) throw error
    throw unreachable(guest, timeoutMs, error)
  }
}

async function greeting(ip: string, port: number, signal: AbortSignal): Promise<Probe<true>> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port, signal })
    const answer = (probe: Probe<true>): void => {
      socket.destroy()
      resolve(probe)
    }
    socket.setTimeout(TRY_MS, () => answer({ notYet: `no answer from ${ip}:${port}` }))
    socket.on('error', (error) => answer({ notYet: error.message }))
    socket.on('end', () => answer({ notYet: `${ip}:${port} closed the connection without a greeting` }))
    socket.once('data', (chunk) => {
      const isSsh = chunk.toString('latin1').startsWith('SSH-')
      answer(isSsh ? { value: true } : { notYet: `${ip}:${port} speaks something else than ssh` })
    })
  })
}

function unreachable(guest: SshServer, timeoutMs: number, cause: LagoError): LagoError {
  const attempts = Object.entries(cause.data['attempts'] as Record<string, number>) // written by waitUntil
  const lines = attempts.map(([reason, count]) => `\n  ${count} x ${reason}`)
  return new LagoError(
    'LAGO_GUEST_UNREACHABLE',
    `${guest.vm} did not accept ssh within ${timeoutMs / 1000} s${lines.join('')}`,
    {
      hint: `is it booting? its screen: virsh console; limit: boot_time_sec in the init file`,
      data: cause.data,
      cause,
    },
  )
}
