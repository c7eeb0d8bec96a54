/** DHCP on every nic, written for what configures the network of the image. Nics are told by their MAC where they can be. */
import path from 'node:path'
import type { FileOperation } from '../../disk/ext4-write/operations.js'
import type { NetworkStack } from '../image-facts/network.js'
import type { IdentityNic } from '../types.js'
import { renderBusyboxInterfaces, renderInterfaces } from './network/ifupdown.js'
import { renderIfcfg } from './network/ifcfg.js'
import { renderNetplan } from './network/netplan.js'
import { renderKeyfile } from './network/network-manager.js'
import { renderNetworkd } from './network/networkd.js'
import type { NicPlan } from './network/nic-plan.js'
import { RESOLVED, type Snapshot } from './snapshot.js'

/** Lower ones win; kernels do not take two equal routes. */
const MANAGEMENT_METRIC = 100
const OTHER_METRIC = 1000

export function planNetwork(snapshot: Snapshot, nics: readonly IdentityNic[]): readonly FileOperation[] {
  const plans = nics.map(({ mac, mtu, isManagement }, index) => ({
    index,
    mac: mac.toLowerCase(),
    mtu: mtu === ETHERNET_MTU ? undefined : mtu,
    metric: isManagement ? MANAGEMENT_METRIC : OTHER_METRIC + index,
    isManagement,
  }))
  return nics.length === 0 ? [] : WRITERS[snapshot.system.network](plans, snapshot)
}

const ETHERNET_MTU = 1500

type Writer = (nics: readonly NicPlan[], snapshot: Snapshot) => readonly FileOperation[]

const WRITERS: Readonly<Record<NetworkStack, Writer>> = {
  netplan: (nics) => [
    { kind: 'remove', path: '/etc/netplan/50-cloud-init.yaml' }, // of an earlier start of the image
    file('/etc/netplan/60-lago.yaml', renderNetplan(nics), 0o600),
  ],
  networkd: (nics, { system, unitsToEnable }) => [
    ...nics.map((nic) => file(`/etc/systemd/network/05-lago-${nic.index}.network`, renderNetworkd(nic, system.init))),
    ...unitsToEnable.flatMap(enable),
  ],
  NetworkManager: (nics) =>
    nics.map((nic) => {
      const keyfile = `/etc/NetworkManager/system-connections/lago-${nic.index}.nmconnection`
      return file(keyfile, renderKeyfile(nic), 0o600) // it ignores what others could read
    }),
  ifupdown: (nics) => [file('/etc/network/interfaces', renderInterfaces(nics))],
  'busybox-ifup': (nics) => [file('/etc/network/interfaces', renderBusyboxInterfaces(nics))],
  ifcfg: (nics) => nics.map((nic) => file(`/etc/sysconfig/network-scripts/ifcfg-eth${nic.index}`, renderIfcfg(nic))),
  none: () => [],
}

/** As `systemctl enable` does; name servers are asked for by way of the file that resolved writes. */
function enable(unitPath: string): readonly FileOperation[] {
  const unit = path.basename(unitPath)
  const wanted = `/etc/systemd/system/multi-user.target.wants/${unit}`
  const resolvConf = {
    kind: 'symlink',
    path: '/etc/resolv.conf',
    target: '../run/systemd/resolve/stub-resolv.conf',
  } as const
  return [{ kind: 'symlink', path: wanted, target: unitPath }, ...(unit === RESOLVED ? [resolvConf] : [])]
}

function file(filePath: string, text: string, mode = 0o644): FileOperation {
  return { kind: 'file', path: filePath, content: Buffer.from(text), mode }
}
