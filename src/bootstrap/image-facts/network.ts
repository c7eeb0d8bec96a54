/** What configures the nics of a system. */
import type { ImageFiles } from './files.js'
import type { Init } from './init.js'
import { findUnit, isEnabled } from './units.js'

/**
 * `networkd`: systemd's. `ifupdown`: Debian's, which knows nics by their MAC. `busybox-ifup`: the same files, read by
 * busybox or ifupdown-ng, which know names only. `ifcfg`: the scripts of EL. `none`: nothing that is known.
 */
export type NetworkStack = 'netplan' | 'networkd' | 'NetworkManager' | 'ifupdown' | 'busybox-ifup' | 'ifcfg' | 'none'

/**
 * What is enabled comes before what is merely installed, and what writes files for others (netplan) before those.
 * networkd comes with systemd and is there on nearly every image: where nothing else is, it can be enabled.
 */
export async function readNetworkStack(files: ImageFiles, init: Init): Promise<NetworkStack> {
  if ((await files.hasAny('/usr/sbin/netplan', '/sbin/netplan')) && (await files.has('/etc/netplan'))) return 'netplan'
  if (await isEnabled(files, NETWORKD, BOOT_TARGETS)) return 'networkd'
  if (await hasNetworkManager(files, init)) return 'NetworkManager'
  const ifup = await files.find('/sbin/ifup')
  if (ifup !== undefined && (await files.has('/etc/network'))) {
    const target = await files.linkTarget('/sbin/ifup')
    const isDebian = target === undefined || target.endsWith('/ifup')
    return isDebian ? 'ifupdown' : 'busybox-ifup'
  }
  if (await files.hasAny('/etc/init.d/network', '/etc/rc.d/init.d/network')) return 'ifcfg'
  return init.kind === 'systemd' && (await findUnit(files, NETWORKD)) !== undefined ? 'networkd' : 'none'
}

export const NETWORKD = 'systemd-networkd.service'
export const BOOT_TARGETS = ['multi-user.target', 'network-online.target', 'sysinit.target'] as const

async function hasNetworkManager(files: ImageFiles, init: Init): Promise<boolean> {
  if (!(await files.has('/usr/sbin/NetworkManager'))) return false
  return init.kind !== 'systemd' || isEnabled(files, 'NetworkManager.service', BOOT_TARGETS)
}
