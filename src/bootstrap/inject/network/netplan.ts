/** netplan(5). */
import type { NicPlan } from './nic-plan.js'

/** Names begin with 00: networkd gets a file per name, and of several that fit a nic the first one counts. */
export function renderNetplan(nics: readonly NicPlan[]): string {
  const lines = nics.flatMap(({ index, mac, mtu, metric, isManagement }) => [
    `    00-lago-${index}:`,
    '      match:',
    `        macaddress: "${mac}"`,
    '      dhcp4: true',
    '      dhcp4-overrides:',
    `        route-metric: ${metric}`,
    ...(mtu === undefined ? [] : [`      mtu: ${mtu}`]),
    ...(isManagement ? [] : ['      optional: true']), // not waited for at the start
  ])
  return ['network:', '  version: 2', '  ethernets:', ...lines, ''].join('\n')
}
