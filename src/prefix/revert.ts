/** `lago revert`: all VMs as they were when a snapshot was taken, any number of times, to older and to newer ones. */
import { about, LagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { nearest } from '../base/nearest.js'
import type { Task } from '../base/task.js'
import { UndoStack } from '../base/undo.js'
import type { EnvPlan, VmPlan } from '../plan/types.js'
import { ensureConsoleLog, noteInConsoleLog } from '../vm/console-log.js'
import { setClocks } from './clocks.js'
import type { Host } from './host.js'
import { holdLinks } from './links.js'
import { letInFileUsers } from './let-in.js'
import { pauseRunning, resume, subjectsOf, takersAmong, type Subject } from './pause.js'
import { netsOf, savePrefix, selectVms, withVms, type Prefix } from './prefix.js'
import { restoreRecords } from './records.js'
import { startNets, startVms } from './start.js'
import { forgetSleep } from './sleep-files.js'
import { noteUnderWay } from './under-way.js'
import { removeUnused } from './unused-files.js'

/**
 * Takes the named VMs back; all without names.
 *
 * VMs whose snapshot has their memory run on from it; of the others the disks go back, and those that ran boot again.
 *
 * Throws `LAGO_NO_SUCH_SNAPSHOT` with those that there are, before anything is touched; `LAGO_QEMU`, `LAGO_LIBVIRT`,
 * `LAGO_NO_SPACE`, or `LAGO_PARTIAL`: a VM that failed is paused or down, and reverting can be tried again.
 */
export async function revertPrefix(
  task: Task,
  host: Host,
  prefix: Prefix,
  name: string,
  { vms = [] }: { readonly vms?: readonly string[] } = {},
): Promise<Prefix> {
  const all = selectVms(prefix.plan, vms)
  requireSnapshot(takersAmong(host, all), name)
  const { subjects, others } = await subjectsOf(task, host, all)
  return task.step('Revert VMs snapshots', async (task) => {
    for (const vm of others) task.log('warning', `${vm.spec.name} stays as it is: its provider takes no snapshots`)
    await using undo = new UndoStack(task)
    if (subjects.some((subject) => willRun(subject, name)))
      await startNets(task, host, prefix, netsOf(prefix.plan, all), undo)
    undo.commit()
    await letInFileUsers(task, host, prefix, all)
    const running = subjects.filter(({ state }) => state === 'running').map(({ vm }) => vm)
    await using _note = await noteUnderWay(prefix.layout, { verb: 'revert', name, vms }, { paused: running })
    await using paused = new UndoStack(task)
    await pauseRunning(task, subjects, paused)
    paused.commit() // from here on a VM that cannot be taken back stays paused: it is not what anybody asked for
    await forgetSleep(prefix, all) // its disks will not be those that the memory fits to
    const reverted = await revertAll(task, host, prefix, subjects, name)
    await runOn(task, host, reverted, subjects, name)
    return reverted
  })
}

async function revertAll(
  task: Task,
  host: Host,
  prefix: Prefix,
  subjects: readonly Subject[],
  name: string,
): Promise<Prefix> {
  const done: VmPlan[] = []
  try {
    await fanOut(task, subjects, async ({ vm, snapshots }, task) =>
      task.step(`Reverting ${vm.spec.name} to snapshot ${name}`, async (task) => {
        await ensureConsoleLog(prefix.layout.consoleLog(vm.spec.name))
        const revert = snapshots.revert(task, vm, name, { rootDir: prefix.dir })
        const reverted = await about(`VM ${vm.spec.name}`, revert)
        done.push(reverted)
        const kept = reverted.snapshots.get(name)?.memory?.domainXmlPath
        if (kept !== undefined) await about(`VM ${vm.spec.name}`, holdLinks(task, host, prefix, reverted, kept))
        await restoreRecords(prefix.layout, vm.spec.name, name)
        // what the console told before this is not true any more
        await noteInConsoleLog(prefix.layout.consoleLog(vm.spec.name), `back at the snapshot ${name}`)
      }),
    )
  } catch (error) {
    const left = subjects.filter(({ vm }) => !done.some((other) => other.spec.name === vm.spec.name))
    const names = left.map(({ vm }) => vm.spec.name).join(', ')
    task.log('warning', `not taken back: ${names || 'none'}; VMs are paused or down now: lago revert ${name}`)
    throw error
  } finally {
    await save(prefix, withVms(prefix.plan, done))
  }
  return { ...prefix, plan: withVms(prefix.plan, done) }
}

async function save(prefix: Prefix, plan: EnvPlan): Promise<void> {
  await savePrefix(prefix, plan)
  await removeUnused(prefix.layout, prefix.plan, plan)
}

async function runOn(
  task: Task,
  host: Host,
  prefix: Prefix,
  subjects: readonly Subject[],
  name: string,
): Promise<void> {
  const withMemory = subjects.filter(({ vm }) => vm.snapshots.get(name)?.memory !== undefined)
  await resume(task, withMemory)
  const names = new Set(subjects.filter((subject) => bootsAgain(subject, name)).map(({ vm }) => vm.spec.name))
  const booting = [...prefix.plan.vms.values()].filter((vm) => names.has(vm.spec.name))
  await using undo = new UndoStack(task)
  await startVms(task, host, prefix, booting, undo)
  undo.commit()
  await setClocks(
    task,
    host,
    prefix,
    withMemory.map(({ vm }) => vm),
  )
}

function bootsAgain({ vm, state }: Subject, name: string): boolean {
  return state !== 'down' && vm.snapshots.get(name)?.memory === undefined
}

function willRun(subject: Subject, name: string): boolean {
  return bootsAgain(subject, name) || subject.vm.snapshots.get(name)?.memory !== undefined
}

/** Throws `LAGO_NO_SUCH_SNAPSHOT` unless every one of `vms` has it. */
export function requireSnapshot(vms: readonly VmPlan[], name: string): void {
  const missing = vms.filter((vm) => !vm.snapshots.has(name)).map((vm) => vm.spec.name)
  if (missing.length === 0 && vms.length > 0) return
  if (vms.length === 0)
    throw new LagoError('LAGO_NO_SUCH_SNAPSHOT', `No snapshot ${name}: there is no VM whose provider takes snapshots`)
  const known = [...new Set(vms.flatMap((vm) => [...vm.snapshots.keys()]))]
  const meant = nearest(name, known)
  const question = meant === undefined ? '' : `; did you mean ${meant}?`
  throw new LagoError('LAGO_NO_SUCH_SNAPSHOT', `No snapshot ${name} for ${missing.join(', ')}${question}`, {
    hint: known.length === 0 ? 'there are none yet: lago snapshot NAME' : `snapshots: ${known.join(', ')}`,
    data: { snapshot: name, vms: missing, snapshots: known },
  })
}
