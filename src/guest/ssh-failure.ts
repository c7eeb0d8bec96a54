/** What ssh(1) says when it fails itself, as an error that names the VM. */
import { LagoError } from '../base/errors.js'
import { lastLines } from '../base/plain-text.js'
import type { SshTarget } from './ssh-command.js'

/** ssh(1): its own failures; a command in the guest may end with it too. */
export const SSH_FAILED = 255

/**
 * `said` is what ssh wrote to its log, or to stderr when it had no session.
 * Gives `LAGO_HOST_KEY_CHANGED`, `LAGO_GUEST_AUTH`, else `LAGO_GUEST_UNREACHABLE`.
 */
export function sshFailure(target: SshTarget, said: string): LagoError {
  const where = `${target.vm} (${target.user}@${target.ip})`
  const data = { vm: target.vm, ip: target.ip, user: target.user }
  if (/host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/i.test(said))
    return new LagoError('LAGO_HOST_KEY_CHANGED', `${where} shows another host key than at the first contact`, {
      hint: `was it built anew on purpose? then remove ${target.knownHostsPath}`,
      data: { ...data, knownHostsPath: target.knownHostsPath },
    })
  const [last = 'the connection ended without a word'] = lastLines(said, 1)
  if (/permission denied \(|too many authentication failures/i.test(said))
    return new LagoError('LAGO_GUEST_AUTH', `${where} accepts neither the key nor the password: ${last}`, {
      hint: `is ${target.keyPath}.pub in the guest's authorized_keys? else set ssh-password in the init file`,
      data: { ...data, lastSaid: last },
    })
  return new LagoError('LAGO_GUEST_UNREACHABLE', `cannot reach ${where} by ssh: ${last}`, {
    hint: `does it run? lago status; its screen: lago console ${target.vm}`,
    data: { ...data, lastSaid: last },
  })
}

/** By a server that takes no more of them on a connection that works (`MaxSessions`); `said`: by ssh to its log. */
export function isSessionRefused(said: string): boolean {
  return said.includes('Session open refused by peer')
}

/** A changed key and a refused one are facts; the rest may be a server that is only busy or just coming up. */
export function mayPass(failure: LagoError): boolean {
  return failure.code === 'LAGO_GUEST_UNREACHABLE'
}
