/**
 * A note of what a verb is at, written before and removed after it. One that is found while nobody holds the lock is of a
 * run that was killed: by it the next verb knows what to finish or undo, and tells VMs that the run left paused from
 * those that the user has paused.
 */
import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, messageOf } from '../base/errors.js'
import { removeTemporaries, writeJsonAtomic } from '../base/files.js'
import type { Era } from '../base/prefix-era.js'
import { removeUnfinished as removeDir } from '../base/publish-files.js'
import type { Task } from '../base/task.js'
import type { VmPlan } from '../plan/types.js'
import type { PrefixLayout } from './layout.js'

/** What a verb was asked for. */
export interface Undertaking {
  readonly verb: Verb
  /** Of a snapshot; what `net set` is for. */
  readonly name?: string | undefined
  /** Names of VMs; none: all. */
  readonly vms?: readonly string[] | undefined
  /** Of the prefix, where its marks may be gone meanwhile. Default 1.x. */
  readonly era?: Era | undefined
}

export type Verb =
  | 'init'
  | 'start'
  | 'stop'
  | 'stop --suspend'
  | 'shutdown'
  | 'cleanup'
  | 'destroy'
  | 'snapshot'
  | 'snapshot --delete'
  | 'revert'
  | 'deploy'
  | 'export'
  | 'net set'
  | 'ttl'
  | 'service'
  | 'metadata'

export interface UnderWay extends Undertaking {
  readonly vms: readonly string[]
  /** Names of the VMs that ran before and are paused meanwhile. */
  readonly paused: readonly string[]
  /** Files and directories that are of use only until the end; absolute. */
  readonly unfinished: readonly string[]
}

export interface Noted {
  readonly paused?: readonly VmPlan[]
  readonly unfinished?: readonly string[]
}

/** Replaces the note of an outer verb, whose work this is a part of; disposing of it removes the note. */
export async function noteUnderWay(
  layout: PrefixLayout,
  { verb, name, vms = [], era }: Undertaking,
  { paused = [], unfinished = [] }: Noted = {},
): Promise<AsyncDisposable> {
  const note: UnderWay = { verb, name, vms, era, paused: paused.map((vm) => vm.spec.name), unfinished }
  await mkdir(path.dirname(layout.underWay), { recursive: true })
  await writeJsonAtomic(layout.underWay, note, { sync: false })
  return { [Symbol.asyncDispose]: async () => forgetUnderWay(layout) }
}

export async function forgetUnderWay(layout: PrefixLayout): Promise<void> {
  await rm(layout.underWay, { force: true })
}

/** Undefined where nothing was interrupted. To be believed only by who holds the prefix's lock. */
export async function readUnderWay(layout: PrefixLayout): Promise<UnderWay | undefined> {
  try {
    const found = JSON.parse(await readFile(layout.underWay, 'utf8')) as Partial<Record<keyof UnderWay, unknown>> // read with care below
    const name = typeof found.name === 'string' ? found.name : undefined
    const [vms, paused, unfinished] = [found.vms, found.paused, found.unfinished].map(wordsOf)
    return {
      verb: String(found.verb) as Verb,
      name,
      vms: vms ?? [],
      era: found.era === '0.x' ? '0.x' : '1.x',
      paused: paused ?? [],
      unfinished: unfinished ?? [],
    }
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    return { verb: `... (${messageOf(error)})` as Verb, name: undefined, vms: [], paused: [], unfinished: [] }
  }
}

/** As the user would type it: `lago revert clean`. */
export function commandOf({ verb, name, vms = [] }: Undertaking): string {
  return [
    'lago',
    verb,
    ...(name === undefined ? [] : [name]),
    ...(verb.startsWith('snap') || verb === 'revert' ? [] : vms),
  ].join(' ')
}

/** What killed runs left beside the files that they were writing. */
export async function removeUnfinished(layout: PrefixLayout, note: UnderWay): Promise<void> {
  for (const dir of [layout.dir, layout.virt, layout.images]) await removeTemporaries(dir)
  for (const unfinished of note.unfinished) await removeDir(unfinished)
}

/** A warning: what was interrupted, and what becomes of it. */
export function tellInterrupted(task: Task, note: Undertaking, outcome: string): void {
  task.log('warning', `"${commandOf(note)}" was interrupted: ${outcome}`)
}

function wordsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}
