/** When a VM ends. */
import type { Task } from '../base/task.js'
import { pause } from '../base/wait.js'
import type { VmState } from '../libvirt/types.js'
import type { VmPlan } from '../plan/types.js'
import type { Host } from './host.js'
import { providerOf, statesOf } from './prefix.js'

export interface EndWatch extends AsyncDisposable {
  /** Resolves when the VM is down, at once when it is so already, and when nothing more can be learned of it. */
  readonly ended: Promise<void>
}

const POLL_MS = 2_000

/** By the provider's events where it has some; else its state is asked for every 2 s. */
export async function watchEnd(task: Task, host: Host, vm: VmPlan): Promise<EndWatch> {
  const over = new AbortController()
  const ended = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()))
  const end = (): void => over.abort()
  const watch = await providerOf(host, vm).watch?.(task, [vm], (event) => {
    if (event.type === 'connection-lost')
      task.log('warning', `libvirt does not tell any more when VMs end: ${event.reason}`)
    if (event.type === 'connection-lost' || (event.type === 'lifecycle' && event.event === 'stopped')) end()
  })
  if (await isDown(task, host, vm)) end()
  else if (watch === undefined) void poll(task, host, vm, over.signal).then(end, end)
  return {
    ended,
    async [Symbol.asyncDispose]() {
      end()
      await watch?.[Symbol.asyncDispose]()
    },
  }
}

async function poll(task: Task, host: Host, vm: VmPlan, over: AbortSignal): Promise<void> {
  while (!over.aborted && !(await isDown(task, host, vm))) await pause(task, POLL_MS)
}

async function isDown(task: Task, host: Host, vm: VmPlan): Promise<boolean> {
  const state = (await statesOf(task, host, [vm])).get(vm.spec.name)
  return DOWN.includes(state)
}

const DOWN: readonly (VmState | undefined)[] = ['down', 'shut off', undefined]
