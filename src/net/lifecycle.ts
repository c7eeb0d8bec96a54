/** Networks coming and going: libvirt's transient networks, and the bridges below those of type `bridge`. */
import { pathExists } from 'fs-extra/esm'
import { UndoStack } from '../base/undo.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'
import type { LibvirtConnection } from '../libvirt/types.js'
import type { EnvPlan, NetPlan } from '../plan/types.js'
import { networkXml } from './network-xml.js'

export interface Nets {
  /** Libvirt names of those of `nets` that are up. */
  active(task: Task, nets: readonly NetPlan[]): Promise<ReadonlySet<string>>
  /** For a net that is not up. When it fails, or is aborted, nothing of it stays. */
  start(task: Task, net: NetPlan, env: EnvPlan): Promise<void>
  /** Does nothing for a net that is not up. */
  stop(task: Task, net: NetPlan): Promise<void>
}

export interface NetsOptions {
  readonly stp: boolean
}

export function createNets(libvirt: LibvirtConnection, options: NetsOptions): Nets {
  return {
    active: async (task, nets) =>
      libvirt.activeNetworks(
        task,
        nets.map((net) => net.libvirtName),
      ),

    async start(task, net, env) {
      await using undo = new UndoStack(task)
      if (net.spec.type === 'bridge' && (await ensureBridge(task, net.bridgeName)))
        undo.defer(`remove bridge ${net.bridgeName}`, async (task) => removeBridge(task, net.bridgeName))
      await libvirt.createNetwork(task, networkXml(net, env, { stp: options.stp, ipv6: await hostHasIpv6() }))
      undo.commit()
    },

    async stop(task, net) {
      const wasThere = await libvirt.destroyNetwork(task, net.libvirtName)
      if (wasThere && net.spec.type === 'bridge') await removeBridge(task, net.bridgeName)
    },
  }
}

/** False: there is a bridge of this name already. */
async function ensureBridge(task: Task, name: string): Promise<boolean> {
  if (await pathExists(`/sys/class/net/${name}`)) return false
  await runCommand(task, ['ip', 'link', 'add', 'name', name, 'type', 'bridge'], { package: 'iproute2' })
  await runCommand(task, ['ip', 'link', 'set', 'dev', name, 'up'], { package: 'iproute2' })
  return true
}

async function removeBridge(task: Task, name: string): Promise<void> {
  if (await pathExists(`/sys/class/net/${name}/bridge`))
    await runCommand(task, ['ip', 'link', 'delete', 'dev', name, 'type', 'bridge'], { package: 'iproute2' })
}

/** libvirt refuses a network with IPv6 addresses on a host whose kernel has IPv6 switched off. */
async function hostHasIpv6(): Promise<boolean> {
  return pathExists('/proc/sys/net/ipv6')
}
