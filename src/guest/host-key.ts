/** The host key of a guest, kept in a file of its own from the first contact on. */
import { readFile } from 'node:fs/promises'
import { explainSystemError, isSystemError, LagoError } from '../base/errors.js'
import { writeFileAtomic } from '../base/files.js'
import type { SshTarget } from './ssh-command.js'

/**
 * From the first contact on.
 *
 * Throws `LAGO_HOST_KEY_CHANGED` for a file that holds something else than the key of this VM: ssh would pass over it
 * and take any key.
 */
export async function isHostKeyKnown({ vm, knownHostsPath }: SshTarget): Promise<boolean> {
  const text = await readFile(knownHostsPath, 'latin1').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return ''
    throw explainSystemError(error)
  })
  if (text.trim() === '') return false
  if (text.split('\n').some((line) => isKeyOf(vm, line))) return true
  throw new LagoError(
    'LAGO_HOST_KEY_CHANGED',
    `the host key of ${vm} is not in ${knownHostsPath}, which is not empty`,
    {
      hint: `if you know why, and trust the guest: remove ${knownHostsPath}`,
      data: { vm, knownHostsPath },
    },
  )
}

/**
 * The key that the guest is going to show, known before it has been met: nobody can take its place at the first contact.
 * `publicKey`: one line, as in a `.pub` file.
 */
export async function pinHostKey(knownHostsPath: string, vm: string, publicKey: string): Promise<void> {
  const [type = '', key = ''] = publicKey.split(' ')
  await writeFileAtomic(knownHostsPath, `${NOT_MET}\n${vm} ${type} ${key}\n`, { mode: 0o600 })
}

const NOT_MET = '# not met yet'

/** There was a connection. Throws as `isHostKeyKnown`. */
export async function hasBeenMet(target: SshTarget): Promise<boolean> {
  return (await isHostKeyKnown(target)) && !(await readFile(target.knownHostsPath, 'latin1')).startsWith(NOT_MET)
}

/** To be called when there is a connection. */
export async function noteMeeting({ knownHostsPath }: SshTarget): Promise<void> {
  const text = await readFile(knownHostsPath, 'latin1').catch(() => '')
  if (!text.startsWith(NOT_MET)) return
  await writeFileAtomic(knownHostsPath, text.slice(NOT_MET.length).trimStart(), { mode: 0o600 })
}

/** sshd(8), SSH_KNOWN_HOSTS FILE FORMAT, as ssh itself writes it: names, type, key. */
function isKeyOf(vm: string, line: string): boolean {
  const [names = '', type = '', key = ''] = line.trim().split(/\s+/)
  return names.split(',').includes(vm) && /^(ssh|ecdsa|sk)-/.test(type) && /^[A-Za-z0-9+/]{40,}=*$/.test(key)
}
