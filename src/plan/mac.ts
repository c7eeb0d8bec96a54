import { createHash } from 'node:crypto'

/**
 * For a nic whose address is not ours to give: the same each time, and another for each nic of the host's environments.
 * It is none of an address, since none begins with 254.
 */
export function macOfNic(uuid: string, vm: string, index: number): string {
  const hash = createHash('sha256').update(`${uuid} ${vm} ${index}`).digest()
  const octets = [0x54, 0x52, 0xfe, ...hash.subarray(0, 3)]
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':')
}

/** `54:52:` and the four numbers of the address: 192.168.200.2 has 54:52:c0:a8:c8:02 (spec 5.3). */
export function macOf(ip: string): string {
  const octets = ip.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'))
  return ['54', '52', ...octets].join(':')
}
