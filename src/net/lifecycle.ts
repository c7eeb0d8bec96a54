/** Networks coming and going: libvirt's transient networks, and the bridges below those of type `bridge`. */
import { pathExists } from 'fs-extra/esm'
import { UndoStack } from '../base/undo.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'
import type { LibvirtConnection } from '../libvirt/types.js'
import { hasOwnerMark } from '../plan/owner-mark.js'
import type { EnvPlan, NetPlan } from '../plan/types.js'
import { networkXml } from './network-xml.js'

export interface Nets {
  /** Those of `libvirtNames` that are up and are the environment's; another network of such a name is nobody's business. */
  active(task: Task, libvirtNames: readonly string[], uuid: string): Promise<ReadonlySet<string>>
  /** For a net that is not up. When it fails, or is aborted, nothing of it stays. */
  start(task: Task, net: NetPlan, env: EnvPlan): Promise<void>
  /** Does nothing for a net that is not up. */
  stop(task: Task, libvirtName: string): Promise<void>
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
      if (net.spec.type === 'bridge' && !(await isBridge(net.bridgeName))) {
        undo.defer(`remove bridge ${net.bridgeName}`, async (task) => removeBridge(task, net.bridgeName))
        await addBridge(task, net.bridgeName)
      }
      await libvirt.createNetwork(task, networkXml(net, env, { stp: options.stp, ipv6: await hostHasIpv6() }))
      undo.commit()
    },

    async stop(task, libvirtName) {
      await libvirt.destroyNetwork(task, libvirtName)
      await removeBridge(task, libvirtName)
    },
  }
}

async function addBridge(task: Task, name: string): Promise<void> {
  await runCommand(task, ['ip', 'link', 'add', 'name', name, 'type', 'bridge'], { package: 'iproute2' })
  await runCommand(task, ['ip', 'link', 'set', 'dev', name, 'up'], { package: 'iproute2' })
}

/** The bridge of a net of type bridge has the net's own name in libvirt, with the environment's uuid in it. */
async function removeBridge(task: Task, name: string): Promise<void> {
  if (await isBridge(name))
    await runCommand(task, ['ip', 'link', 'delete', 'dev', name, 'type', 'bridge'], { package: 'iproute2' })
}

async function isBridge(name: string): Promise<boolean> {
  return pathExists(`/sys/class/net/${name}/bridge`)
}

/** libvirt refuses a network with IPv6 addresses on a host whose kernel has IPv6 switched off. */
async function hostHasIpv6(): Promise<boolean> {
  return pathExists('/proc/sys/net/ipv6')
}
