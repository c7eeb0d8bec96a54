/** How VMs come to exist and stop: small, so that a second hypervisor is a second implementation. */
import type { Task } from '../base/task.js'
import type { VmState } from '../libvirt/types.js'
import type { EnvPlan, VmPlan } from '../plan/types.js'

export interface VmProvider {
  /** One answer for all of `vms`, keyed by VM name. */
  states(task: Task, vms: readonly VmPlan[]): Promise<ReadonlyMap<string, VmState>>
  /** For a VM that is `down`. When it fails, or is aborted, there is no VM. */
  start(task: Task, vm: VmPlan, context: StartContext): Promise<void>
  /** Hard power-off. Does nothing for a VM that is `down`. */
  stop(task: Task, vm: Pick<VmPlan, 'libvirtName'>): Promise<void>
  /** How many guests may boot side by side on this host before they slow each other down. */
  bootSlots(task: Task): Promise<number>
  /** To be asked from time to time after `start`: has the guest come up, or gone idle for another reason? */
  watchBoot(vm: VmPlan): BootWatch
}

export interface StartContext {
  readonly env: EnvPlan
  /** OpenSSH one-line public key that the guest's root shall accept. */
  readonly sshPublicKey: string
}

export interface BootWatch {
  isSettled(task: Task): Promise<boolean>
}
