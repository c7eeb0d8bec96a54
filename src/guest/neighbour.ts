/** Whether the host's kernel knows who has an address: proof of life for a guest that answers to nothing. */
import { readFile } from 'node:fs/promises'

/** proc_net_arp(5), linux/if_arp.h: ATF_COM, the hardware address has been learnt. */
const COMPLETE = 0x2

/**
 * The kernel asks by itself when something is sent to the address, and needs up to 8 s to forget one that has gone;
 * before that, what it knows may be of an earlier machine. False where there is no such table.
 */
export async function hasNeighbour(ip: string, tablePath = '/proc/net/arp'): Promise<boolean> {
  const table = await readFile(tablePath, 'latin1').catch(() => '')
  const rows = table.split('\n').map((row) => row.split(/\s+/))
  return rows.some(([address, , flags]) => address === ip && (Number(flags) & COMPLETE) !== 0)
}
