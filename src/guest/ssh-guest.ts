/** A guest by the system's ssh client: one connection that all commands share. */
import type { Guest } from './guest.js'
import type { SshTarget } from './ssh-command.js'

/** Connects with the first command. */
export function openSshGuest(target: SshTarget): Guest {
  throw new Error(`not yet: ${target.vm}`)
}
