/** `lago status`: what is written down and what libvirt says, in the structure of spec 2.5. */
import type { Task } from '../base/task.js'
import type { VmState } from '../libvirt/types.js'
import { describeLink } from '../plan/link-conditions.js'
import type { NetPlan, NicPlan, VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { readExpiry } from './expiry.js'
import { netsUp, statesOf, type Prefix } from './prefix.js'
import { sleepersAmong } from './sleep-files.js'

/** Plain data in the words and nesting that users of `lago -f json status` know. */
export async function prefixStatus(task: Task, host: Host, prefix: Prefix): Promise<Readonly<Record<string, unknown>>> {
  const nets = [...prefix.plan.nets.values()]
  const vms = [...prefix.plan.vms.values()]
  const [states, up] = [await statesOf(task, host, vms), await netsUp(task, host, prefix.plan, nets)]
  const sleepers = await sleepersAmong(prefix, vms)
  const expiresAtMs = await readExpiry(prefix.layout)
  const stateOf = (vm: VmPlan): VmState => {
    const state = states.get(vm.spec.name) ?? 'unknown'
    return state === 'down' && sleepers.includes(vm) ? 'suspended' : state
  }
  return {
    Prefix: {
      'Base directory': prefix.dir,
      UUID: prefix.plan.uuid,
      ...(expiresAtMs === undefined ? {} : { Expires: new Date(expiresAtMs).toISOString() }),
      Networks: Object.fromEntries(nets.map((net) => [net.spec.name, netStatus(net, up.includes(net))])),
      VMs: Object.fromEntries(vms.map((vm) => [vm.spec.name, vmStatus(vm, stateOf(vm), host)])),
    },
  }
}

function netStatus(net: NetPlan, isUp: boolean): Readonly<Record<string, unknown>> {
  return { gateway: net.gateway ?? null, management: net.isManagement, status: isUp ? 'up' : 'down' }
}

function vmStatus(vm: VmPlan, state: VmState, { config }: Host): Readonly<Record<string, unknown>> {
  return {
    distro: vm.spec.distro ?? vm.disks[0]?.metadata['distro'] ?? null,
    'root password':
      vm.spec.rootPassword ?? vm.spec.sshPassword ?? config.vm.defaultRootPassword ?? config.ssh.password,
    status: state,
    snapshots: [...vm.snapshots.keys()].join(', '),
    metadata: withCopiedScripts(vm),
    NICs: Object.fromEntries(vm.nics.map((nic, index) => [`eth${index}`, nicStatus(nic)])),
  }
}

/** A link is told only where it was degraded on purpose. */
function nicStatus({ net, ip, link }: NicPlan): Readonly<Record<string, unknown>> {
  return { network: net, ip: ip ?? 'N/A', ...(link === undefined ? {} : { link: describeLink(link) }) }
}

/** The init file's words, but the scripts are the prefix's own copies, which `deploy` will run. */
function withCopiedScripts({ spec }: VmPlan): Readonly<Record<string, unknown>> {
  return spec.deployScripts.length === 0 ? spec.metadata : { ...spec.metadata, 'deploy-scripts': spec.deployScripts }
}
