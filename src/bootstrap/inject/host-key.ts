/** The ssh server's key: the one that the host knows, and no other. */
import type { FileOperation } from '../../disk/ext4-write/operations.js'
import type { HostKey } from '../types.js'
import { dropbearKey } from './dropbear-key.js'
import { joinLines, kept, linesOf } from './lines.js'
import type { Snapshot } from './snapshot.js'

/** EL 6, without an os-release and with OpenSSH 5.3, would be left without any key. */
export function takesHostKey({ system: { sshServer, init, os } }: Snapshot): boolean {
  return sshServer !== undefined && !(init.kind === 'upstart' && os === undefined)
}

/** Nothing without an ssh server. Throws as `dropbearKey` does. */
export function planHostKey(snapshot: Snapshot, key: HostKey): readonly FileOperation[] {
  switch (snapshot.system.sshServer) {
    case 'openssh':
      return [...otherKeys(snapshot, '/etc/ssh', /^ssh_host_.*key(-cert)?(\.pub)?$/), ...opensshKey(snapshot, key)]
    case 'dropbear':
      return dropbear(snapshot, key)
    case undefined:
      return []
  }
}

function otherKeys({ directories }: Snapshot, dir: string, pattern: RegExp): readonly FileOperation[] {
  const names = (directories.get(dir) ?? []).filter((name) => pattern.test(name))
  return names.map((name) => ({ kind: 'remove', path: `${dir}/${name}` }))
}

const OPENSSH_PATH = '/etc/ssh/ssh_host_ed25519_key'

function opensshKey({ files }: Snapshot, key: HostKey): readonly FileOperation[] {
  const configPath = '/etc/ssh/sshd_config'
  const config = files.get(configPath)
  return [
    { kind: 'file', path: OPENSSH_PATH, content: Buffer.from(key.privateKey), mode: 0o600 },
    { kind: 'file', path: `${OPENSSH_PATH}.pub`, content: Buffer.from(`${key.publicKey}\n`), mode: 0o644 },
    ...(config === undefined ? [] : [kept(configPath, config, withHostKey(config.text))]),
  ]
}

/**
 * Named in the configuration, it stays the only one: systems make keys of the other types at the start, and sshd would
 * offer them. The first line is before any `Match`, in which it would not count.
 */
function withHostKey(config: string): string {
  const others = linesOf(config).filter((line) => !/^\s*HostKey[\s=]/i.test(line))
  return joinLines([`HostKey ${OPENSSH_PATH}`, ...others])
}

/** Debian's and Alpine's place; the mini guest has its own. */
function dropbear(snapshot: Snapshot, key: HostKey): readonly FileOperation[] {
  const path = snapshot.directories.has('/etc/dropbear')
    ? '/etc/dropbear/dropbear_ed25519_host_key'
    : '/etc/ssh/dropbear_host_ed25519_key'
  return [
    ...otherKeys(snapshot, '/etc/dropbear', /^dropbear_.*host_key$/),
    { kind: 'file', path, content: dropbearKey(key.privateKey), mode: 0o600 },
  ]
}
