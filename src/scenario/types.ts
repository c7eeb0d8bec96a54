/** What a run of a scenario file gave, whichever runner it was. */

/** `error`: it did not come as far as to fail: an exception in its set-up or import, or an end from outside. */
export type TestOutcome = 'passed' | 'failed' | 'error' | 'skipped'

export interface TestResult {
  /** `001_initialize_engine.test_setup`. */
  readonly name: string
  readonly outcome: TestOutcome
  readonly durationMs: number
  /** One line: why it failed, or was skipped. */
  readonly message?: string | undefined
  /** What the runner tells about it: a traceback, captured output. */
  readonly details?: string | undefined
  /** Absolute; where the artifacts of the VMs are that were collected when it failed. */
  readonly logsDir?: string | undefined
}

export interface ScenarioResult {
  /** Absolute. */
  readonly file: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly durationMs: number
  readonly tests: readonly TestResult[]
  /** True: the limit was over, and it was ended. */
  readonly hasHung: boolean
}

export function hasFailed({ outcome }: Pick<TestResult, 'outcome'>): boolean {
  return outcome === 'failed' || outcome === 'error'
}

export interface Counts {
  readonly total: number
  readonly passed: number
  readonly failed: number
  readonly errors: number
  readonly skipped: number
}

export function countTests(tests: readonly TestResult[]): Counts {
  const of = (outcome: TestOutcome): number => tests.filter((test) => test.outcome === outcome).length
  return {
    total: tests.length,
    passed: of('passed'),
    failed: of('failed'),
    errors: of('error'),
    skipped: of('skipped'),
  }
}

/** `3 tests: 1 passed, 1 failed, 1 skipped`. */
export function countsText({ total, passed, failed, errors, skipped }: Counts): string {
  const parts = [
    [passed, 'passed'],
    [failed, 'failed'],
    [errors, errors === 1 ? 'error' : 'errors'],
    [skipped, 'skipped'],
  ] as const
  const told = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`)
  return [`${total} ${total === 1 ? 'test' : 'tests'}`, ...(told.length === 0 ? [] : [told.join(', ')])].join(': ')
}
