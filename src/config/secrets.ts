import { keepSecret } from '../base/secrets.js'
import { LAGO_SETTINGS } from './defaults.js'
import type { Config } from './types.js'

/**
 * Texts that neither the log nor the terminal may show. The default password is everybody's, and far too common a text
 * to be hidden.
 */
export function secretsOf(config: Config): string[] {
  const { libvirt, ssh, vm } = config
  const sshPassword = config.originOf('ssh_password') === 'default' ? undefined : ssh.password
  return [libvirt.password, sshPassword, vm.defaultRootPassword].filter((secret) => secret !== undefined)
}

/** What an init file and a prefix say of a VM's logins. */
export interface Logins {
  readonly sshUser?: string | undefined
  readonly sshPassword?: string | undefined
  readonly rootPassword?: string | undefined
}

/**
 * Keeps the passwords of VMs out of what is logged and shown from now on. Left out are the default, which is
 * everybody's, and a password that is the user's own name: hiding that would hide who logs in.
 */
export function keepPasswords(vms: Iterable<Logins>): void {
  for (const { sshUser, sshPassword, rootPassword } of vms)
    for (const password of [sshPassword, rootPassword])
      if (password !== undefined && ![DEFAULT_PASSWORD, sshUser, 'root'].includes(password)) keepSecret(password)
}

const DEFAULT_PASSWORD = LAGO_SETTINGS.find(({ key }) => key === 'ssh_password')?.default
