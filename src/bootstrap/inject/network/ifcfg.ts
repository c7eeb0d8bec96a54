/** ifcfg files of EL (sysconfig.txt of initscripts; nm-settings-ifcfg-rh(5)), as upstream has them (spec 6.1). */
import type { NicPlan } from './nic-plan.js'

/** Without DEVICE the scripts look for the nic with this MAC. */
export function renderIfcfg({ index, mac, mtu, metric }: NicPlan): string {
  return [
    `HWADDR=${mac.toUpperCase()}`,
    'BOOTPROTO=dhcp',
    'ONBOOT=yes',
    'TYPE=Ethernet',
    `NAME=eth${index}`,
    ...(mtu === undefined ? [] : [`MTU=${mtu}`]),
    `METRIC=${metric}`,
    `IPV4_ROUTE_METRIC=${metric}`,
    '',
  ].join('\n')
}
