/**
 * What a runner tells while it runs: lines of JSON over a socket that is its file descriptor 3. After `hold` it waits for
 * a line in answer, so that the guests can be looked at as the test left them. The other side is `python/ovirtlago/_events.py`
 * and `node/control.ts`.
 */
import type { TestOutcome } from './types.js'

export const EVENTS_FD = 3

/** The variable that names the descriptor to the runner. Not `LAGO_...`: those are settings. */
export const EVENTS_FD_VARIABLE = 'OVIRTLAGO_EVENTS_FD'

export type RunnerEvent =
  | { readonly event: 'start'; readonly name: string }
  /** It has begun, and is no test after all: others are in it. */
  | { readonly event: 'leave'; readonly name: string }
  /** The test has failed; nothing goes on until it is answered. */
  | { readonly event: 'hold'; readonly name: string }
  | {
      readonly event: 'end'
      readonly name: string
      readonly outcome: TestOutcome
      readonly durationMs: number
      readonly message?: string | undefined
      readonly details?: string | undefined
    }

const OUTCOMES: readonly unknown[] = ['passed', 'failed', 'error', 'skipped'] satisfies TestOutcome[]

/** Undefined for what is no event: a scenario may write to the descriptor, too. */
export function parseEvent(line: string): RunnerEvent | undefined {
  const value = parseJson(line)
  if (typeof value !== 'object' || value === null) return undefined
  const { event, name, outcome, durationMs, message, details } = value as Readonly<Record<string, unknown>> // looked at below
  if (typeof name !== 'string') return undefined
  if (event === 'start' || event === 'leave' || event === 'hold') return { event, name }
  if (event !== 'end' || !isOutcome(outcome)) return undefined
  return {
    event,
    name,
    outcome,
    durationMs: typeof durationMs === 'number' && durationMs >= 0 ? durationMs : 0,
    message: textOf(message),
    details: textOf(details),
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}

function isOutcome(value: unknown): value is TestOutcome {
  return OUTCOMES.includes(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
