/** Which process of this host listens on a TCP port: from /proc, of which a user sees no other user's processes. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import path from 'node:path'

export interface PortOwner {
  readonly pid: number
  /** The program's name alone: its arguments may hold a password. */
  readonly program: string
}

/**
 * The process that keeps others from listening on `port` of `address` (IPv4), by that address or by all. Undefined
 * when there is none, or none that this user may see.
 */
export async function findPortOwner(address: string, port: number): Promise<PortOwner | undefined> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(async (table) => readOrNothing(table)))
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table, address, port)))
  if (inodes.size === 0) return undefined
  for (const name of await readdir('/proc'))
    if (/^\d+$/.test(name) && (await holdsSocket(name, inodes)))
      return { pid: Number(name), program: (await readOrNothing(`/proc/${name}/comm`)).trim() }
  return undefined
}

/** linux/include/net/tcp_states.h: TCP_LISTEN */
const LISTEN = '0A'

/** proc(5), /proc/net/tcp: `sl local_address rem_address st ... inode`; addresses as hex numbers in the host's order. */
function listeningInodes(table: string, address: string, port: number): string[] {
  const wanted = [toHex(address), toHex('0.0.0.0'), '0'.repeat(32), V4_IN_V6 + toHex(address)]
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [at = '', on = ''] = local.split(':')
    return state === LISTEN && wanted.includes(at) && Number.parseInt(on, 16) === port ? [inode] : []
  })
}

/** `::ffff:`, as the table has it on a little-endian host. */
const V4_IN_V6 = '0000000000000000FFFF0000'

function toHex(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
  return bytes.reverse().join('').toUpperCase()
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const dir = `/proc/${pid}/fd`
  for (const fd of await readdir(dir).catch(() => [])) {
    const target = await readlink(path.join(dir, fd)).catch(() => '')
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    if (inode !== undefined && inodes.has(inode)) return true
  }
  return false
}

async function readOrNothing(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '')
}
