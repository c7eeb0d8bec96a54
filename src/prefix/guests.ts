/** From a VM of the prefix to its guest. */
import { isLagoError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { Guest } from '../guest/guest.js'
import { openSshGuest } from '../guest/ssh-guest.js'
import type { SshTarget } from '../guest/ssh-command.js'
import { isSurelyUp, waitForSsh } from '../guest/wait-for-ssh.js'
import type { VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { statesOf, type Prefix } from './prefix.js'

/** Throws `LAGO_GUEST_UNREACHABLE` for a VM on a bridge, whose address is not ours to give. */
export function sshTargetOf({ config }: Pick<Host, 'config'>, prefix: Prefix, vm: VmPlan): SshTarget {
  if (vm.managementIp === undefined)
    throw new LagoError('LAGO_GUEST_UNREACHABLE', `the address of ${vm.spec.name} is not known: it is on a bridge`, {
      hint: 'put its first nic on a NAT net, and the bridge on a second one',
    })
  return {
    vm: vm.spec.name,
    ip: vm.managementIp,
    user: vm.spec.sshUser ?? config.ssh.user,
    password: vm.spec.sshPassword ?? config.vm.defaultRootPassword ?? config.ssh.password,
    keyPath: prefix.layout.sshKey,
    knownHostsPath: prefix.layout.knownHosts(vm.spec.name),
    connectTimeoutMs: config.ssh.timeoutMs,
    connectTries: config.ssh.tries,
  }
}

/** Throws `LAGO_VM_NOT_RUNNING`. */
export async function requireRunning(task: Task, host: Host, vm: VmPlan): Promise<void> {
  const state = (await statesOf(task, host, [vm])).get(vm.spec.name) ?? 'unknown'
  if (state === 'running') return
  throw new LagoError('LAGO_VM_NOT_RUNNING', `Host ${vm.spec.name} is not "running", but "${state}"`, {
    hint: `lago start ${vm.spec.name}`,
    data: { vm: vm.spec.name, state },
  })
}

/**
 * The guest of a running VM, as soon as its ssh server greets; to be disposed of.
 * Throws `LAGO_VM_NOT_RUNNING`, `LAGO_GUEST_UNREACHABLE` after the VM's boot time, or as many tries as the user allows.
 */
export async function reachGuest(task: Task, host: Host, prefix: Prefix, vm: VmPlan): Promise<Guest> {
  if (vm.managementIp === undefined || !(await greetsAtOnce(task, sshTargetOf(host, prefix, vm)))) {
    await requireRunning(task, host, vm)
    await waitForSsh(task, sshTargetOf(host, prefix, vm), sshLimitMs(host, vm))
  }
  return openSshGuest(sshTargetOf(host, prefix, vm))
}

/** Who greets runs; libvirt need not be loaded and asked for that. */
export async function greetsAtOnce(task: Task, target: SshTarget): Promise<boolean> {
  return task
    .within(AT_ONCE_MS, `a greeting of ${target.vm}`, async (task) => isSurelyUp(task, target))
    .catch((error: unknown) => {
      if (isLagoError(error, 'LAGO_TIMEOUT')) return false
      throw error
    })
}

const AT_ONCE_MS = 300

const PAUSE_MS = 1000 // ssh_config(5), ConnectionAttempts

/** The tries that ssh would make, where somebody has said how many or how long; never more than the VM's boot time. */
export function sshLimitMs({ config }: Pick<Host, 'config'>, { spec: { bootTimeoutMs } }: VmPlan): number {
  const isGiven = ['ssh_tries', 'ssh_timeout'].some((key) => config.originOf(key) !== 'default')
  return isGiven ? Math.min(bootTimeoutMs, config.ssh.tries * (config.ssh.timeoutMs + PAUSE_MS)) : bootTimeoutMs
}
