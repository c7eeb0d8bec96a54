/** What is told about a VM that did not get ready. */
import { LagoError } from '../base/errors.js'
import type { VmState } from '../libvirt/types.js'
import type { Cause } from './wait-causes.js'
import type { Progress } from './wait-progress.js'

export interface NotReadyFacts {
  readonly vm: string
  readonly rung: string
  /** Read after "vm0 did not get to ssh": `within 600 s`, `: the VM ended`. */
  readonly why: string
  readonly hint: string | undefined
  readonly progress: Progress
  readonly state: VmState
  readonly cause: Cause | undefined
  readonly lastLines: readonly string[]
}

export function notReady(facts: NotReadyFacts): LagoError {
  const { vm, rung, why, progress, state, cause, lastLines } = facts
  const seen = progress.lastSeen
  const lines = [
    `${vm} did not get to ${rung}${why}${cause === undefined ? '' : `; cause: ${cause.text}`}`,
    `  reached: ${reachedText(progress)}${state === 'running' ? '' : `; it is ${state}`}`,
    ...(seen === undefined ? [] : [`  last seen: ${seen}`]),
    ...(cause?.line === undefined ? [] : [`  its console says: ${cause.line}`]),
    ...(lastLines.length === 0 ? [] : ['  last lines of its console:', ...lastLines.map((line) => `    | ${line}`)]),
  ]
  return new LagoError('LAGO_NOT_READY', lines.join('\n'), {
    hint:
      facts.hint ?? cause?.hint ?? `what it printed: lago console ${vm} --log; limit: boot_time_sec in the init file`,
    data: {
      vm,
      rung,
      afterMs: progress.afterMs,
      reached: progress.rungs,
      lastSeen: seen,
      state,
      cause: cause === undefined ? undefined : { name: cause.name, line: cause.line },
      console: lastLines,
    },
  })
}

function reachedText(progress: Progress): string {
  if (!progress.has('running')) return 'no rung' // what its console says is of the start before
  return progress.rungs.map(({ rung, afterMs }) => `${rung} after ${(afterMs / 1000).toFixed(1)} s`).join(', ')
}
