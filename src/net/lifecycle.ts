/** Networks coming and going: libvirt's transient networks, and the bridges below those of type `bridge`. */
import { pathExists } from 'fs-extra/esm'
import { UndoStack } from '../base/undo.js'
import type { Task } from '../base/task.js'
import type { Neighbour } from '../lease/types.js'
import type { LibvirtConnection } from '../libvirt/types.js'
import { hasOwnerMark, ownerIn } from '../plan/owner-mark.js'
import type { EnvPlan, NetPlan } from '../plan/types.js'
import { addBridge, bridgeOwner, removeBridge, requireBridge } from './bridge.js'
import { listBridges } from './links.js'
import { networkNeighbours } from './neighbours.js'
import { networkXml } from './network-xml.js'

export interface Nets {
  /** Those of `libvirtNames` that are up and are the environment's; another network of such a name is nobody's business. */
  active(task: Task, libvirtNames: readonly string[], uuid: string): Promise<ReadonlySet<string>>
  /** For a net that is not up. When it fails, or is aborted, nothing of it stays. */
  start(task: Task, net: NetPlan, env: EnvPlan): Promise<void>
  /** Does nothing for a net that is not up. Takes the bridge away that `start` has made, and no other. */
  stop(task: Task, libvirtName: string): Promise<void>
  /** The bridge that `start` has made, where libvirt has no network on it any more. */
  removeBridge(task: Task, net: NetPlan, env: EnvPlan): Promise<void>
  /** Networks and bridges of whatever environment. */
  owned(task: Task): Promise<readonly OwnedNet[]>
  /** The addresses of all of libvirt's networks, those that are only defined included. */
  neighbours(task: Task): Promise<readonly Neighbour[]>
}

/** What bears an environment's mark; `network`: with the bridge of its name, if that is ours too. */
export interface OwnedNet {
  readonly kind: 'network' | 'bridge'
  readonly name: string
  readonly uuid: string
  /** Undefined: the mark does not say. */
  readonly prefixDir: string | undefined
}

export interface NetsOptions {
  readonly stp: boolean
}

export function createNets(libvirt: LibvirtConnection, options: NetsOptions): Nets {
  return {
    async active(task, libvirtNames, uuid) {
      const found = await libvirt.activeNetworks(task, libvirtNames)
      return new Set([...found].filter(([, xml]) => hasOwnerMark(xml, uuid)).map(([name]) => name))
    },

    async start(task, net, env) {
      await using undo = new UndoStack(task)
      if (net.spec.bridge !== undefined) await requireBridge(net.spec.bridge, net.spec.name)
      else if (net.spec.type === 'bridge') {
        undo.defer(`remove bridge ${net.bridgeName}`, async (task) => removeBridge(task, net.bridgeName))
        await addBridge(task, { name: net.bridgeName, mtu: net.spec.mtu, owner: env })
      }
      await libvirt.createNetwork(task, networkXml(net, env, { stp: options.stp, ipv6: await hostHasIpv6() }))
      undo.commit()
    },

    async stop(task, libvirtName) {
      await libvirt.destroyNetwork(task, libvirtName)
      await removeBridge(task, libvirtName)
    },

    async removeBridge(task, { spec, bridgeName }, env) {
      if (spec.type !== 'bridge' || spec.bridge !== undefined) return
      const bridge = (await listBridges()).find(({ name }) => name === bridgeName)
      // one without an alias is of a run that was killed before it had set it
      const isOurs =
        bridge?.alias === '' ? bridge.ports.length === 0 : bridgeOwner(bridge?.alias ?? '')?.uuid === env.uuid
      if (bridge !== undefined && isOurs) await removeBridge(task, bridgeName)
    },

    async owned(task) {
      const networks = [...(await libvirt.allNetworks(task))].flatMap(([name, { xml }]): OwnedNet[] => {
        const owner = ownerIn(xml)
        if (owner === undefined) return []
        return [{ kind: 'network', name, uuid: owner.uuid, prefixDir: owner.prefixDir }]
      })
      const bridges = (await listBridges()).flatMap(({ name, alias }): OwnedNet[] => {
        const owner = bridgeOwner(alias)
        return owner === undefined ? [] : [{ kind: 'bridge', name, ...owner }]
      })
      return [...networks, ...bridges.filter((bridge) => !networks.some(({ name }) => name === bridge.name))]
    },

    async neighbours(task) {
      return networkNeighbours(await libvirt.allNetworks(task))
    },
  }
}

/** libvirt refuses a network with IPv6 addresses on a host whose kernel has IPv6 switched off. */
async function hostHasIpv6(): Promise<boolean> {
  return pathExists('/proc/sys/net/ipv6')
}
