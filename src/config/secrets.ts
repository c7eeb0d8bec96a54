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
