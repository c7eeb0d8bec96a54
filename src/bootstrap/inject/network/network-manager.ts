/** nm-settings-keyfile(5). */
import type { NicPlan } from './nic-plan.js'

/** Its priority lets it win over connections of the image that fit the nic as well. */
export function renderKeyfile({ index, mac, mtu, metric }: NicPlan): string {
  return [
    '[connection]',
    `id=lago-${index}`,
    'type=ethernet',
    'autoconnect-priority=100',
    '',
    '[ethernet]',
    `mac-address=${mac}`,
    ...(mtu === undefined ? [] : [`mtu=${mtu}`]),
    '',
    '[ipv4]',
    'method=auto',
    `route-metric=${metric}`,
    '',
    '[ipv6]',
    'method=auto',
    `route-metric=${metric}`,
    '',
  ].join('\n')
}
