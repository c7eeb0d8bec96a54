/** Which subnets this host uses already: libvirt refuses a network that collides with a route. */
import { readFile } from 'node:fs/promises'
import os from 'node:os'
import { isSystemError } from '../base/errors.js'

/**
 * A test whether a route of this host lies within `cidr` (a /24).
 *
 * Wider routes do not count: a host whose own network is 192.168.0.0/16 can still have the smaller ones.
 */
export async function readHostRoutes(routesPath = '/proc/net/route'): Promise<(cidr: string) => boolean> {
  const used = new Set(parseRoutes(await readRoutes(routesPath)))
  return (cidr) => used.has(cidr)
}

async function readRoutes(routesPath: string): Promise<string> {
  try {
    return await readFile(routesPath, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES')) return ''
    throw error
  }
}

/** proc(5): a header, then "Iface Destination Gateway Flags RefCnt Use Metric Mask ...", addresses as hex words. */
function parseRoutes(text: string): string[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .map((fields) => ({ destination: parseWord(fields[1]), mask: parseWord(fields[7]) }))
    .filter(({ mask }) => mask >= 0xffffff00)
    .map(({ destination }) => `${[24, 16, 8].map((shift) => (destination >>> shift) & 0xff).join('.')}.0/24`)
}

/** An address in the host's byte order, as a number whose highest byte is the first octet. */
function parseWord(hex: string | undefined): number {
  const bytes = Buffer.from((hex ?? '').padStart(8, '0'), 'hex')
  if (bytes.length !== 4) return 0
  return os.endianness() === 'LE' ? bytes.readUInt32LE() : bytes.readUInt32BE()
}
