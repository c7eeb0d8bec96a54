/** Which addresses this host reaches already: a network that took them would cut it off, or be refused by libvirt. */
import { readFile } from 'node:fs/promises'
import os from 'node:os'
import { isSystemError } from '../base/errors.js'
import { formatSubnet, subnetAround } from '../base/ipv4.js'
import type { Neighbour } from './types.js'

/** The IPv4 routes of this host but the default one; none where the kernel shows none. */
export async function readHostRoutes(routesPath = '/proc/net/route'): Promise<readonly Neighbour[]> {
  return parseRoutes(await readRoutes(routesPath))
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
function parseRoutes(text: string): Neighbour[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length >= 8)
    .map(([device = '', destination, , , , , , mask]) => {
      const subnet = subnetAround(parseWord(destination), lengthOf(parseWord(mask)))
      return { subnet, what: `the route to ${formatSubnet(subnet)} (${device})`, mayContain: true }
    })
    .filter(({ subnet }) => subnet.length > 0)
}

function lengthOf(mask: number): number {
  return 32 - Math.round(Math.log2(2 ** 32 - mask))
}

/** An address in the host's byte order, as a number whose highest byte is the first octet. */
function parseWord(hex: string | undefined): number {
  const bytes = Buffer.from((hex ?? '').padStart(8, '0'), 'hex')
  if (bytes.length !== 4) return 0
  return os.endianness() === 'LE' ? bytes.readUInt32LE() : bytes.readUInt32BE()
}
