/** `lago stop --suspend`: all VMs are put to sleep with their memory in files; `lago start` wakes them. */
import { about } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { UndoStack } from '../base/undo.js'
import type { VmPlan } from '../plan/types.js'
import { ensureConsoleLog } from '../vm/console-log.js'
import type { VmSleep } from '../vm/provider.js'
import type { Host } from './host.js'
import { holdLinks } from './links.js'
import { pauseRunning, subjectsOf, type Subject } from './pause.js'
import { providerOf, type Prefix } from './prefix.js'
import { forgetSleep, isAsleep } from './sleep-files.js'
import { stopPrefix } from './stop.js'
import { noteUnderWay } from './under-way.js'

/**
 * Every running VM is saved and ends, then the nets go. All or nothing: when one cannot be saved, those that were saved
 * already are woken, and all run on. VMs that cannot sleep are left running with a warning, with their nets.
 * Throws `LAGO_LIBVIRT`, `LAGO_NO_SPACE`, `LAGO_PARTIAL`.
 */
export async function suspendPrefix(task: Task, host: Host, prefix: Prefix): Promise<void> {
  await task.step('Suspend prefix', async (task) => {
    const { subjects, others } = await subjectsOf(task, host, [...prefix.plan.vms.values()])
    for (const vm of others) task.log('warning', `${vm.spec.name} stays as it is: its provider cannot put it to sleep`)
    if (subjects.length === 0) return
    const awake = subjects.filter(({ state }) => state !== 'down')
    await using _note = await noteUnderWay(
      prefix.layout,
      { verb: 'stop --suspend' },
      { paused: awake.map(({ vm }) => vm) },
    )
    await using undo = new UndoStack(task)
    await pauseRunning(task, awake, undo)
    await fanOut(task, awake, async (subject, task) => {
      const sleep = sleepOf(host, subject.vm)
      undo.defer(`wake ${subject.vm.spec.name}`, async (task) => wakeIfAsleep(task, host, prefix, subject))
      await task.step(`Saving the memory of ${subject.vm.spec.name}`, async (task) => {
        const files = prefix.layout.suspended(subject.vm.spec.name)
        await about(`VM ${subject.vm.spec.name}`, sleep.save(task, subject.vm, files))
      })
    })
    undo.commit()
    const names = others.length === 0 ? [] : subjects.map(({ vm }) => vm.spec.name)
    await stopPrefix(task, host, prefix, names, { keepSleeping: true })
  })
}

/** The VM is back, paused. Its files stay until `forgetSleep`. */
export async function wake(task: Task, host: Host, prefix: Prefix, vm: VmPlan): Promise<void> {
  await ensureConsoleLog(prefix.layout.consoleLog(vm.spec.name))
  const files = prefix.layout.suspended(vm.spec.name)
  await sleepOf(host, vm).restore(task, vm, files)
  await holdLinks(task, host, prefix, vm, files.xml)
}

async function wakeIfAsleep(task: Task, host: Host, prefix: Prefix, { vm }: Subject): Promise<void> {
  if (!(await isAsleep(prefix, vm))) return
  await wake(task, host, prefix, vm)
  await forgetSleep(prefix, [vm])
}

function sleepOf(host: Host, vm: VmPlan): VmSleep {
  const { sleep } = providerOf(host, vm)
  if (sleep === undefined) throw new Error(`unreachable: ${vm.spec.name} takes snapshots but does not sleep`)
  return sleep
}
