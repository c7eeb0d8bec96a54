/** systemd.network(5). */
import type { Init } from '../../image-facts/init.js'
import type { NicPlan } from './nic-plan.js'

/** Its name begins with 05: of several files that fit a nic, the first by name counts. */
export function renderNetworkd({ mac, mtu, metric, isManagement }: NicPlan, init: Init): string {
  const link = [
    ...(mtu === undefined ? [] : [`MTUBytes=${mtu}`]),
    ...(isManagement ? [] : ['RequiredForOnline=no']), // a net without an answer is no reason to wait at every start
  ]
  return [
    ...section('Match', [`MACAddress=${mac}`, 'Type=ether']), // bridges and VLANs on it have its MAC, too
    ...(link.length === 0 ? [] : section('Link', link)),
    ...section('Network', ['DHCP=ipv4']),
    ...section(dhcpSection(init), [`RouteMetric=${metric}`]),
  ].join('\n')
}

/** Named so since version 243. */
function dhcpSection(init: Init): string {
  const isOld = init.kind === 'systemd' && init.version !== undefined && init.version < 243
  return isOld ? 'DHCP' : 'DHCPv4'
}

function section(name: string, lines: readonly string[]): readonly string[] {
  return [`[${name}]`, ...lines, '']
}
