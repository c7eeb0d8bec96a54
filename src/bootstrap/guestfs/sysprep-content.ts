/** What virt-sysprep makes of an image, by distribution: upstream's content (spec 6.1). */
import type { HostKey, Identity } from '../types.js'
import { command, writeFileCommands, type GuestfsCommand } from './commands.js'

/** Absolute paths of files on this host, without a colon. */
export interface SysprepFiles {
  readonly publicKeyPath: string
  readonly passwordPath: string
}

/** A distribution that is not known gets what all get. virt-sysprep's own operations come before. */
export function sysprepCommands(identity: Identity, files: SysprepFiles): GuestfsCommand[] {
  const { distro = '' } = identity
  return [
    ...forAll(identity, files),
    ...(WITH_ISCSI.includes(distro) ? iscsiInitiator(identity) : []),
    ...(WITH_IFCFG.includes(distro) ? ifcfgFiles(identity) : []),
    ...(distro === 'debian' ? interfacesFiles(identity) : []),
    ...(WITHOUT_SERVICES.includes(distro) ? removedServices() : []),
    ...withoutMenu(GRUB_CONFIG.get(distro)),
  ]
}

const LATE_FEDORA = ['fc24', 'fc25', 'fc26'] as const
const WITH_ISCSI: readonly string[] = ['el6', 'el7', ...LATE_FEDORA]
const WITH_IFCFG: readonly string[] = ['el6', 'el7']
const WITHOUT_SERVICES: readonly string[] = ['el7', ...LATE_FEDORA]
const GRUB_CONFIG: ReadonlyMap<string, string> = new Map([
  ...WITHOUT_SERVICES.map((distro) => [distro, '/boot/grub2/grub.cfg'] as const),
  ['debian', '/boot/grub/grub.cfg'],
])

function forAll(identity: Identity, { publicKeyPath, passwordPath }: SysprepFiles): GuestfsCommand[] {
  const { hostName, rootPassword, sshUser, hostKey } = identity
  return [
    command('selinux-relabel'),
    command('hostname', hostName),
    ...(rootPassword === undefined ? [] : [command('root-password', `file:${passwordPath}`)]),
    ...[...new Set(['root', sshUser])].map((user) => command('ssh-inject', `${user}:file:${publicKeyPath}`)),
    ...(hostKey === undefined ? [] : hostKeyFiles(hostKey)),
  ]
}

/** virt-sysprep has removed those of the image by then. */
function hostKeyFiles({ privateKey, publicKey }: HostKey): GuestfsCommand[] {
  const file = '/etc/ssh/ssh_host_ed25519_key'
  return [
    ...writeFileCommands(file, privateKey.trimEnd().split('\n'), '0600'),
    ...writeFileCommands(`${file}.pub`, [publicKey]),
  ]
}

function iscsiInitiator({ vm, hostName }: Identity): GuestfsCommand[] {
  return writeFileCommands('/etc/iscsi/initiatorname.iscsi', [`InitiatorName=iqn.2014-07.org.lago:${vm}:${hostName}`])
}

function ifcfgFiles({ nics }: Identity): GuestfsCommand[] {
  return nics.flatMap(({ mac }, index) =>
    writeFileCommands(`/etc/sysconfig/network-scripts/ifcfg-eth${index}`, [
      `HWADDR=${mac}`,
      'BOOTPROTO=dhcp',
      'ONBOOT=yes',
      'TYPE=Ethernet',
      `NAME=eth${index}`,
    ]),
  )
}

function interfacesFiles({ nics }: Identity): GuestfsCommand[] {
  const dir = '/etc/network/interfaces.d'
  return [
    ...writeFileCommands('/etc/network/interfaces', ['auto lo', 'iface lo inet loopback', `source ${dir}/*.cfg`]),
    ...nics.flatMap(({ mac }, index) =>
      writeFileCommands(`${dir}/ifcfg-eth${index}.cfg`, [
        `auto eth${index}`,
        `iface eth${index} inet6 auto`,
        `iface eth${index} inet dhcp`,
        `    hwaddress ${mac}`,
      ]),
    ),
  ]
}

/** They slow a boot down, and nothing of a test needs them. */
function removedServices(): GuestfsCommand[] {
  return ['kdump', 'postfix'].map((name) =>
    command('delete', `/etc/systemd/system/multi-user.target.wants/${name}.service`),
  )
}

/** By the guest's own sed, without a log in the guest: `edit` fails where the file is not there. */
function withoutMenu(grubConfig: string | undefined): GuestfsCommand[] {
  if (grubConfig === undefined) return []
  const text = `test ! -e ${grubConfig} || sed -i s/timeout=5/timeout=0/ ${grubConfig}`
  return [command('run-command', text), command('no-logfile')]
}
