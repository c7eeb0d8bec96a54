/** Stopping time in all running VMs at once, and starting it again: what makes one point in time of many machines. */
import { about } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import type { UndoStack } from '../base/undo.js'
import type { VmPlan } from '../plan/types.js'
import type { VmSnapshots } from '../vm/provider.js'
import type { Host } from './host.js'
import { providerOf, statesOf } from './prefix.js'

/** A VM whose provider takes snapshots, with the state that it was found in. */
export interface Subject {
  readonly vm: VmPlan
  readonly snapshots: VmSnapshots
  readonly state: 'running' | 'paused' | 'down'
}

/** Those of `vms` that snapshots can be taken of. */
export function takersAmong(host: Host, vms: readonly VmPlan[]): VmPlan[] {
  return vms.filter((vm) => providerOf(host, vm).snapshots !== undefined)
}

/** The same with their states, and the others. */
export async function subjectsOf(
  task: Task,
  host: Host,
  vms: readonly VmPlan[],
): Promise<{ subjects: readonly Subject[]; others: readonly VmPlan[] }> {
  const states = await statesOf(task, host, vms)
  const subjects: Subject[] = []
  const others: VmPlan[] = []
  for (const vm of vms) {
    const { snapshots } = providerOf(host, vm)
    const found = states.get(vm.spec.name)
    const state = found === 'running' || found === 'down' ? found : 'paused'
    if (snapshots === undefined) others.push(vm)
    else subjects.push({ vm, snapshots, state })
  }
  return { subjects, others }
}

/** Pauses those that run, as closely together as the host can. `undo` resumes them. */
export async function pauseRunning(task: Task, subjects: readonly Subject[], undo: UndoStack): Promise<void> {
  const running = subjects.filter(({ state }) => state === 'running')
  if (running.length > 0) undo.defer('resume VMs', async (task) => resume(task, running))
  await fanOut(task, running, async ({ vm, snapshots }, task) => about(`VM ${vm.spec.name}`, snapshots.pause(task, vm)))
}

export async function resume(task: Task, subjects: readonly Subject[]): Promise<void> {
  await fanOut(task, subjects, async ({ vm, snapshots }, task) =>
    about(`VM ${vm.spec.name}`, snapshots.resume(task, vm)),
  )
}
