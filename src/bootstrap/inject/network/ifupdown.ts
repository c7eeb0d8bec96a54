/** interfaces(5), as a whole: what an image has in it is about nics of another machine. */
import type { NicPlan } from './nic-plan.js'

const LOOPBACK = ['auto lo', 'iface lo inet loopback', '']

/** A nic is brought up under a name of ours, whatever its own is (PATTERN MATCHING INTERFACES; since Debian 10). */
export function renderInterfaces(nics: readonly NicPlan[]): string {
  const stanzas = nics.flatMap((nic) => [`auto mac/${nic.mac}=lago${nic.index}`, ...stanza(`lago${nic.index}`, nic)])
  return [...LOOPBACK, ...stanzas].join('\n')
}

/** busybox and ifupdown-ng know no patterns: there the kernel's names are, in the order of the nics. */
export function renderBusyboxInterfaces(nics: readonly NicPlan[]): string {
  const stanzas = nics.flatMap((nic) => [`auto eth${nic.index}`, ...stanza(`eth${nic.index}`, nic)])
  return [...LOOPBACK, ...stanzas].join('\n')
}

/** DHCP has no option for the MTU. */
function stanza(name: string, { mtu, metric }: NicPlan): readonly string[] {
  return [
    `iface ${name} inet dhcp`,
    `    metric ${metric}`,
    ...(mtu === undefined ? [] : [`    post-up ip link set dev $IFACE mtu ${mtu}`]),
    '',
  ]
}
