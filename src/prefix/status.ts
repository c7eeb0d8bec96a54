/** `lago status`: what is written down and what libvirt says, in the structure of spec 2.5. */
import type { Task } from '../base/task.js'
import type { VmState } from '../libvirt/types.js'
import type { NetPlan, VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { statesOf, type Prefix } from './prefix.js'

/** Plain data in the words and nesting that users of `lago -f json status` know. */
export async function prefixStatus(task: Task, host: Host, prefix: Prefix): Promise<Readonly<Record<string, unknown>>> {
  const nets = [...prefix.plan.nets.values()]
  const vms = [...prefix.plan.vms.values()]
  const [states, active] = [await statesOf(task, host, vms), await host.nets.active(task, nets)]
  return {
    Prefix: {
      'Base directory': prefix.dir,
      UUID: prefix.plan.uuid,
      Networks: Object.fromEntries(nets.map((net) => [net.spec.name, netStatus(net, active.has(net.libvirtName))])),
      VMs: Object.fromEntries(
        vms.map((vm) => [vm.spec.name, vmStatus(vm, states.get(vm.spec.name) ?? 'unknown', host)]),
      ),
    },
  }
}

function netStatus(net: NetPlan, isUp: boolean): Readonly<Record<string, unknown>> {
  return { gateway: net.gateway ?? null, management: net.isManagement, status: isUp ? 'up' : 'down' }
}

function vmStatus(vm: VmPlan, state: VmState, host: Host): Readonly<Record<string, unknown>> {
  return {
    distro: vm.spec.distro ?? vm.disks[0]?.metadata['distro'] ?? null,
    'root password': vm.spec.rootPassword ?? vm.spec.sshPassword ?? host.config.ssh.password,
    status: state,
    snapshots: '',
    metadata: vm.spec.metadata,
    NICs: Object.fromEntries(vm.nics.map((nic, index) => [`eth${index}`, { network: nic.net, ip: nic.ip ?? 'N/A' }])),
  }
}
