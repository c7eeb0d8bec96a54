/**
 * What the next verb makes of a run that was killed: it finishes the work or undoes it, and says which. Its repetition
 * and its opposite do so by what they do anyway; before any other verb it is done first.
 */
import os from 'node:os'
import { about, isLagoError } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { sweepScratchDirs } from '../base/scratch-dir.js'
import { socketDir } from '../base/socket-dir.js'
import { isCancelled, type Task } from '../base/task.js'
import { setClocks } from './clocks.js'
import { deleteSnapshot } from './delete-snapshot.js'
import type { Host } from './host.js'
import { statesOf, openPrefix, savePrefix, withVms, type Prefix } from './prefix.js'
import { applyLinks } from './links.js'
import { subjectsOf, type Subject } from './pause.js'
import { revertPrefix } from './revert.js'
import { sleepersAmong } from './sleep-files.js'
import { startPrefix } from './start.js'
import { markInitialized } from './files.js'
import { stopPrefix } from './stop.js'
import {
  commandOf,
  forgetUnderWay,
  readUnderWay,
  removeUnfinished,
  tellInterrupted,
  type Undertaking,
  type UnderWay,
  type Verb,
} from './under-way.js'
import { removeUnused, removeUnknownSnapshots } from './unused-files.js'

/** With the lock of the prefix held. Gives the prefix as it is then, without a note. Throws what finishing throws. */
export async function settleInterrupted(task: Task, host: Host, found: Prefix, next: Undertaking): Promise<Prefix> {
  await sweepScratchDirs(task, [os.tmpdir(), socketDir()])
  const note = await readUnderWay(found.layout)
  if (note === undefined) return found
  await removeUnfinished(found.layout, note)
  const prefix = await runOn(task, host, found, note)
  await (SETTLERS[note.verb] ?? tellAlone)({ task, host, prefix, note, next })
  await forgetUnderWay(prefix.layout)
  return openPrefix(prefix.dir)
}

interface Interrupted {
  readonly task: Task
  readonly host: Host
  readonly prefix: Prefix
  readonly note: UnderWay
  readonly next: Undertaking
}

type Settle = (interrupted: Interrupted) => Promise<void>

const ENDS: readonly Verb[] = ['stop', 'shutdown', 'cleanup']

const settleStart: Settle = async ({ task, host, prefix, note, next }) => {
  if (ENDS.includes(next.verb)) return tellInterrupted(task, note, 'stopping undoes it')
  tellInterrupted(task, note, 'it is finished now')
  if (next.verb !== 'start' || !isSame(note.vms, next.vms)) await startPrefix(task, host, prefix, note.vms)
}

const settleStop: Settle = async ({ task, host, prefix, note, next }) => {
  if (next.verb === 'start') return tellInterrupted(task, note, 'starting undoes it')
  tellInterrupted(task, note, 'it is finished now')
  if (!ENDS.includes(next.verb)) await stopPrefix(task, host, prefix, note.vms)
}

const settleSuspend: Settle = async ({ task, host, prefix, note, next }) => {
  if (next.verb === 'start') return tellInterrupted(task, note, 'starting undoes it')
  if (ENDS.includes(next.verb))
    return tellInterrupted(task, note, 'stopping ends it, and the memory that was saved is lost')
  if (next.verb === note.verb) return tellInterrupted(task, note, 'it is finished now')
  tellInterrupted(task, note, 'it is undone: all goes on')
  const sleepers = await sleepersAmong(prefix, [...prefix.plan.vms.values()])
  if (sleepers.length > 0)
    await startPrefix(
      task,
      host,
      prefix,
      sleepers.map((vm) => vm.spec.name),
    )
}

/** All of its VMs have it, or none; who asks for it again gets it anew. */
const settleSnapshot: Settle = async ({ task, host, prefix, note, next }) => {
  const { name = '' } = note
  const wanted = [...prefix.plan.vms.values()].filter((vm) => note.vms.length === 0 || note.vms.includes(vm.spec.name))
  const { subjects } = await subjectsOf(task, host, wanted)
  const takers = subjects.filter(({ vm }) => vm.snapshots.has(name))
  if (takers.length > 0 && takers.length === subjects.length && next.verb !== note.verb)
    return tellInterrupted(task, note, 'it had been taken; all goes on')
  tellInterrupted(task, note, next.verb === note.verb && next.name === name ? 'it is taken anew' : 'it is undone')
  if (takers.length > 0) await deleteSnapshot(task, host, prefix, name)
  await removeUnused(prefix.layout, prefix.plan, (await openPrefix(prefix.dir)).plan)
  await removeUnknownSnapshots(prefix.layout, prefix.plan)
}

const settleRevert: Settle = async ({ task, host, prefix, note, next }) => {
  const states = await statesOf(task, host, [...prefix.plan.vms.values()])
  const fallen = note.paused.filter((name) => states.get(name) === 'down')
  const again = async (): Promise<void> => (fallen.length > 0 ? startPrefix(task, host, prefix, fallen) : undefined)
  if (next.verb === 'revert') {
    tellInterrupted(task, note, next.name === note.name ? 'it is finished now' : 'this one takes its place')
    return again()
  }
  tellInterrupted(task, note, 'it is finished now')
  await again() // those that ran before run after it
  await revertPrefix(task, host, prefix, note.name ?? '', { vms: note.vms }).catch((error: unknown) => {
    if (!isLagoError(error) || !ENDS.includes(next.verb)) throw error
    task.log('warning', `it could not be finished: ${error.message}; ${commandOf(note)} tries again`) // stopping always goes
  })
}

const settleDeploy: Settle = async ({ task, note, next }) =>
  tellInterrupted(
    task,
    note,
    next.verb === 'deploy'
      ? 'it is finished now'
      : 'a script that had not ended counts as not run; lago deploy --changed goes on from it',
  )

const settleDestroy: Settle = async ({ task, prefix, note }) => {
  tellInterrupted(task, note, 'nothing had been deleted yet, and it is undone')
  await markInitialized(prefix.layout, note.era ?? '1.x')
}

const settleInit: Settle = async ({ task, prefix, note }) => {
  tellInterrupted(task, note, 'only its mark was missing, and it is finished')
  await markInitialized(prefix.layout, note.era ?? '1.x')
}

/** A host that cannot do it is no reason to refuse what comes next: that may be to take it back. */
const settleLinks: Settle = async ({ task, host, prefix, note }) => {
  tellInterrupted(task, note, 'links are made as "lago status" has them')
  await applyLinks(task, host, prefix, [...prefix.plan.vms.values()]).catch((error: unknown) => {
    if (!isLagoError(error) || isCancelled(error)) throw error
    task.log('warning', `links are not as "lago status" has them: ${error.message}`)
  })
}

const tellAlone: Settle = async ({ task, note, next }) =>
  tellInterrupted(task, note, note.verb === next.verb ? 'it is done again' : 'what it had begun is gone')

const SETTLERS: Readonly<Partial<Record<Verb, Settle>>> = {
  init: settleInit,
  start: settleStart,
  stop: settleStop,
  shutdown: settleStop,
  cleanup: settleStop,
  'stop --suspend': settleSuspend,
  snapshot: settleSnapshot,
  revert: settleRevert,
  deploy: settleDeploy,
  destroy: settleDestroy,
  'net set': settleLinks,
}

function isSame(a: readonly string[], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((name) => b.includes(name))
}

/** VMs that the run paused go on, with the images that they write to and the right time. */
async function runOn(task: Task, host: Host, prefix: Prefix, note: UnderWay): Promise<Prefix> {
  if (note.verb === 'revert') return prefix // it is gone through again, whatever images the VMs write to by now
  const named = [...prefix.plan.vms.values()].filter((vm) => note.paused.includes(vm.spec.name))
  const { subjects } = await subjectsOf(task, host, named)
  const paused = subjects.filter(({ state }) => state === 'paused')
  await saveAdopted(task, prefix, paused)
  await fanOut(task, paused, async ({ vm, snapshots }, task) => {
    task.log('warning', `${vm.spec.name} was left paused; it goes on`)
    await about(`VM ${vm.spec.name}`, snapshots.resume(task, vm))
  })
  // once more: libvirt may have been at it still, and resuming waits for that
  const recovered = await saveAdopted(task, prefix, paused)
  await setClocks(
    task,
    host,
    recovered,
    paused.map(({ vm }) => vm),
  )
  return recovered
}

async function saveAdopted(task: Task, prefix: Prefix, subjects: readonly Subject[]): Promise<Prefix> {
  const adopted = await fanOut(task, subjects, async ({ vm, snapshots }, task) =>
    about(`VM ${vm.spec.name}`, snapshots.adopt(task, vm)),
  )
  return savePrefix(prefix, withVms(prefix.plan, adopted))
}
