/** What a check is and what it finds. */
import type { Task } from '../base/task.js'
import type { HostFacts } from './facts.js'
import type { EnvNeeds } from './needs.js'
import type { Remedy } from './remedy.js'

export type Outcome = 'ok' | 'warning' | 'failed'

/**
 * `failed`: environments, or the one in question, cannot run. `warning`: they can, with a loss or a risk that is named,
 * or the check could not be made.
 */
export interface Finding {
  readonly outcome: Outcome
  /** What was found: one line without a full stop. */
  readonly reason: string
  readonly remedy?: Remedy | undefined
  /** More than the table has room for, by name. */
  readonly details?: Readonly<Record<string, string>>
}

export interface Check {
  /** Stable; scripts know it: `kvm`. */
  readonly id: string
  /** What is looked at, as the subject of its findings. */
  readonly title: string
  run(task: Task, subject: Subject): Promise<Finding>
}

export interface Subject {
  readonly facts: HostFacts
  /** Undefined: no environment is in question. */
  readonly needs: EnvNeeds | undefined
  /** Directories that qemu's user has to get to, beside the store; absolute. */
  readonly dirs: readonly string[]
}

export interface CheckResult extends Finding {
  readonly id: string
  readonly title: string
  /** `--fix` has run the remedy; the finding is what is there now. */
  readonly wasFixed?: true
}

export function ok(reason: string, details?: Finding['details']): Finding {
  return { outcome: 'ok', reason, ...(details === undefined ? {} : { details }) }
}

export function warning(reason: string, remedy?: Remedy, details?: Finding['details']): Finding {
  return { outcome: 'warning', reason, remedy, ...(details === undefined ? {} : { details }) }
}

export function failed(reason: string, remedy?: Remedy, details?: Finding['details']): Finding {
  return { outcome: 'failed', reason, remedy, ...(details === undefined ? {} : { details }) }
}
