/** What machines made of one image must not share, and what would undo the work of `inject`. */
import type { FileOperation } from '../../disk/ext4-write/operations.js'
import type { Identity } from '../types.js'
import { contentOf } from './lines.js'
import type { Snapshot } from './snapshot.js'

/**
 * An empty machine-id is filled at the start, and that start is not a first boot, at which systemd would reset what is
 * enabled (machine-id(5)). The names of nics on EL 6 and old Debian are bound to MACs of another machine.
 */
export function planOwnIdentity(snapshot: Snapshot): readonly FileOperation[] {
  const machineId = snapshot.files.get('/etc/machine-id')
  const hasMachineId = machineId !== undefined || snapshot.system.init.kind === 'systemd'
  const empty: FileOperation = { kind: 'file', path: '/etc/machine-id', content: contentOf(''), mode: 0o444 }
  const dbusPath = '/var/lib/dbus/machine-id'
  return [
    ...(hasMachineId ? [empty] : []),
    ...(hasMachineId && snapshot.files.has(dbusPath)
      ? [{ kind: 'symlink', path: dbusPath, target: '/etc/machine-id' } as const]
      : []),
    { kind: 'remove', path: '/var/lib/systemd/random-seed' },
    { kind: 'remove', path: '/etc/udev/rules.d/70-persistent-net.rules' },
  ]
}

/** For its name, keys and network there is no other source now. */
export function planCloudInitOff({ system }: Snapshot): readonly FileOperation[] {
  if (system.cloudInit === 'absent') return []
  return [{ kind: 'file', path: '/etc/cloud/cloud-init.disabled', content: contentOf(''), mode: 0o644 }]
}

/** Spec 6.1. Where there is no /etc/iscsi nobody asks for it. */
export function planInitiatorName(
  { directories }: Snapshot,
  { vm, hostName }: Pick<Identity, 'vm' | 'hostName'>,
): readonly FileOperation[] {
  if (!directories.has('/etc/iscsi')) return []
  const content = Buffer.from(`InitiatorName=iqn.2014-07.org.lago:${vm}:${hostName}\n`)
  return [{ kind: 'file', path: '/etc/iscsi/initiatorname.iscsi', content, mode: 0o600 }]
}
