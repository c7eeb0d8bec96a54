/** The machine's name: for itself (hostname(5)), and for its own look-ups (hosts(5)). */
import type { FileOperation } from '../../disk/ext4-write/operations.js'
import type { Identity } from '../types.js'
import { contentOf, joinLines, kept, linesOf } from './lines.js'
import type { Snapshot } from './snapshot.js'

export function planHostName(
  { files }: Pick<Snapshot, 'files'>,
  { hostName, fqdn }: Pick<Identity, 'hostName' | 'fqdn'>,
): readonly FileOperation[] {
  const names = fqdn === undefined || fqdn === hostName ? hostName : `${fqdn} ${hostName}`
  const hosts = hostsWith(linesOf(files.get('/etc/hosts')?.text ?? '127.0.0.1 localhost\n::1 localhost\n'), names)
  const text = (path: string, content: string): FileOperation => kept(path, files.get(path), content)
  const network = files.get('/etc/sysconfig/network')?.text
  return [
    { kind: 'file', path: '/etc/hostname', content: contentOf(`${hostName}\n`), mode: 0o644 },
    text('/etc/hosts', joinLines(hosts)),
    // EL 6 looks there; later ones have the file without a name in it
    ...(network?.includes('HOSTNAME=') ? [text('/etc/sysconfig/network', withHostName(network, hostName))] : []),
  ]
}

/**
 * Debian's way: an address of its own for the machine's own names, whose real address may be another one tomorrow.
 * It stands behind the line for 127.0.0.1.
 */
function hostsWith(lines: readonly string[], names: string): readonly string[] {
  const others = lines.filter((line) => !/^\s*127\.0\.1\.1\s/.test(line))
  const behind = others.findIndex((line) => /^\s*127\.0\.0\.1\s/.test(line)) + 1
  return [...others.slice(0, behind), `127.0.1.1 ${names}`, ...others.slice(behind)]
}

function withHostName(text: string, hostName: string): string {
  return text.replace(/^HOSTNAME=.*$/gm, () => `HOSTNAME=${hostName}`)
}
