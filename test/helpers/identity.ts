import type { Identity } from '../../src/bootstrap/types.js'

/** vm0 on a management net, with a second nic on a bridge; root logs in. */
export function identityOf(facts: Partial<Identity> = {}): Identity {
  return {
    vm: 'vm0',
    hostName: 'vm0',
    fqdn: 'vm0.lago.local',
    sshUser: 'root',
    sshPublicKey: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDLago lago',
    rootPassword: undefined,
    hostKey: undefined,
    nics: [
      { mac: '54:52:C0:A8:C8:02', ip: '192.168.200.2', mtu: 1500, isManagement: true },
      { mac: '54:52:a1:b2:c3:d4', ip: undefined, mtu: 9000, isManagement: false },
    ],
    distro: undefined,
    ...facts,
  }
}
