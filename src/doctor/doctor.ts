/**
 * Is this host ready? Checks look at it side by side, each within a limit, and each finding says how it is mended.
 * Knows no prefix and no verb: what an environment needs is told to it.
 */
import { messageOf } from '../base/errors.js'
import { runCommand } from '../base/process.js'
import type { Task } from '../base/task.js'
import { unlessAborted } from '../base/unless-aborted.js'
import type { Remedy } from './remedy.js'
import { warning, type Check, type CheckResult, type Finding, type Outcome, type Subject } from './types.js'

export interface DoctorOptions {
  /** Remedies that are safe are run, and their checks made again. Default false. */
  readonly fix?: boolean
  /** For each check; default 8000. */
  readonly limitMs?: number
}

/** In the order of `checks`. Rejects only when the task is aborted: a check that cannot be made is a warning. */
export async function examine(
  task: Task,
  checks: readonly Check[],
  subject: Subject,
  options: DoctorOptions = {},
): Promise<readonly CheckResult[]> {
  const limitMs = options.limitMs ?? 8_000
  const look = async (): Promise<readonly CheckResult[]> =>
    Promise.all(checks.map(async (check) => make(task, check, subject, limitMs)))
  const results = await look()
  const mended = options.fix === true ? await mend(task, results) : new Set<string>()
  if (mended.size === 0) return results
  // one remedy may do good to other checks, too: those of libvirt all gain by its start
  return (await look()).map((result) => (mended.has(result.id) ? { ...result, wasFixed: true } : result))
}

/** `failed` if one has failed, else `warning` if one warns. */
export function worstOf(results: readonly Finding[]): Outcome {
  const has = (outcome: Outcome): boolean => results.some((result) => result.outcome === outcome)
  return has('failed') ? 'failed' : has('warning') ? 'warning' : 'ok'
}

async function make(task: Task, check: Check, subject: Subject, limitMs: number): Promise<CheckResult> {
  const { id, title } = check
  const find = async (): Promise<Finding> => {
    try {
      return await task.within(limitMs, title, async (task) => unlessAborted(task.signal, check.run(task, subject)))
    } catch (error) {
      task.signal.throwIfAborted()
      return warning(`could not be looked at: ${messageOf(error).split('\n')[0]}`)
    }
  }
  return { id, title, ...(await find()) }
}

/** One after the other, each once; gives the ids of those whose remedy was run. */
async function mend(task: Task, results: readonly CheckResult[]): Promise<ReadonlySet<string>> {
  const mended = new Set<string>()
  const done = new Map<string, boolean>()
  for (const { id, outcome, remedy } of results) {
    if (outcome === 'ok' || remedy?.safe === undefined) continue
    const isDone = done.get(remedy.command) ?? (await isRun(task, remedy))
    done.set(remedy.command, isDone)
    if (isDone) mended.add(id)
  }
  return mended
}

/** A remedy that fails is told, and stays for the user. */
async function isRun(task: Task, { command, safe = [] }: Remedy): Promise<boolean> {
  try {
    await task.step(`Run ${command}`, async (task) => {
      for (const argv of safe) await task.within(FIX_LIMIT_MS, command, async (task) => runCommand(task, argv))
    })
    return true
  } catch (error) {
    task.signal.throwIfAborted()
    task.log('warning', messageOf(error))
    return false
  }
}

/** A daemon may take long to start. */
const FIX_LIMIT_MS = 60_000
