/** Starting VMs in waves that fit the host: emulated guests that all boot at once only slow each other down. */
import { fanOut, joinFailures } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { pause } from '../base/wait.js'
import type { VmPlan } from '../plan/types.js'
import type { BootWatch } from '../vm/provider.js'

const LOOK_EVERY_MS = 150

export interface Wave {
  /** VMs that may boot at the same time. */
  readonly slots: number
  start(task: Task, vm: VmPlan): Promise<void>
  watch(vm: VmPlan): BootWatch
}

/**
 * Starts `vms` in their order, at most `slots` of them still booting. Returns as soon as the last one is started.
 * After a failure no further VM is begun; the failures come as `fanOut` gives them.
 */
export async function startInWaves(task: Task, vms: readonly VmPlan[], wave: Wave): Promise<void> {
  const waiting = [...vms]
  const failures: unknown[] = []
  const runSlot = async (): Promise<void> => {
    for (let vm = waiting.shift(); vm !== undefined; vm = waiting.shift()) {
      task.signal.throwIfAborted()
      await wave.start(task, vm).catch((error: unknown) => {
        failures.push(error)
        waiting.length = 0
      })
      const watch = wave.watch(vm)
      while (waiting.length > 0 && !(await watch.isSettled(task))) await pause(task, LOOK_EVERY_MS)
    }
  }
  const slots = Array.from({ length: Math.min(wave.slots, vms.length) }, () => runSlot)
  await fanOut(task, slots, async (slot) => slot(), { limit: Infinity }).catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw joinFailures(failures)
}
