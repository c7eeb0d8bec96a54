/**
 * A note of what a verb has paused, written before and removed after it: by it the next verb tells VMs that a killed
 * run left paused from those that the user has paused.
 */
import { readFile, rm } from 'node:fs/promises'
import { about, isLagoError, isSystemError, messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import { writeJsonAtomic } from '../base/files.js'
import { isCancelled, type Task } from '../base/task.js'
import type { VmPlan } from '../plan/types.js'
import { setClocks } from './clocks.js'
import type { Host } from './host.js'
import { applyLinks } from './links.js'
import { subjectsOf, type Subject } from './pause.js'
import { savePrefix, withVms, type Prefix } from './prefix.js'

interface UnderWay {
  /** As the user would type it: `revert clean`. */
  readonly what: string
  /** Names of the VMs that are paused meanwhile. */
  readonly paused: readonly string[]
}

export async function noteUnderWay(prefix: Prefix, what: string, paused: readonly VmPlan[]): Promise<AsyncDisposable> {
  const note: UnderWay = { what, paused: paused.map((vm) => vm.spec.name) }
  await writeJsonAtomic(prefix.layout.underWay, note)
  return { [Symbol.asyncDispose]: async () => rm(prefix.layout.underWay, { force: true }) }
}

/**
 * After a run that was killed: VMs that it paused go on, with the images that they write to and the right time, and
 * what it was is told. Without such a run the prefix as it is.
 */
export async function recoverInterrupted(task: Task, host: Host, prefix: Prefix): Promise<Prefix> {
  const note = await readNote(prefix)
  if (note === undefined) return prefix
  task.log('warning', `"lago ${note.what}" was interrupted${again(note.what)}`)
  if (isNetSet(note.what)) await finishNetSet(task, host, prefix)
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
  await rm(prefix.layout.underWay, { force: true })
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

/** A host that cannot do it is no reason to refuse what comes next: that may be to take it back. */
async function finishNetSet(task: Task, host: Host, prefix: Prefix): Promise<void> {
  await applyLinks(task, host, prefix, [...prefix.plan.vms.values()]).catch((error: unknown) => {
    if (!isLagoError(error) || isCancelled(error)) throw error
    task.log('warning', `links are not as "lago status" has them: ${error.message}`)
  })
}

function isNetSet(what: string): boolean {
  return what.startsWith('net set ')
}

function again(what: string): string {
  if (isNetSet(what)) return ': links are made as "lago status" has them'
  return what.startsWith('revert') ? `: VMs may be of different points in time; lago ${what} puts that right` : ''
}

async function readNote({ layout }: Prefix): Promise<UnderWay | undefined> {
  try {
    const { what, paused } = JSON.parse(await readFile(layout.underWay, 'utf8')) as Partial<UnderWay> // checked below
    return { what: String(what), paused: Array.isArray(paused) ? paused.map(String) : [] }
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    return { what: `... (${messageOf(error)})`, paused: [] }
  }
}
