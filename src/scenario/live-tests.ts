/** The tests of a run as they come: each is a step of the task, and a result. */
import { LagoError } from '../base/errors.js'
import { plainLine } from '../base/plain-text.js'
import type { Task } from '../base/task.js'
import type { RunnerEvent } from './protocol.js'
import { hasFailed, type TestResult } from './types.js'

export interface LiveTests {
  take(event: RunnerEvent): Promise<void>
  /** Those that have ended, in that order, and those that had begun, as errors with `why`. */
  end(why: string): Promise<readonly TestResult[]>
  /** The test that began last and has not ended. */
  readonly current: string | undefined
}

/** Called while the runner waits; gives the directory with what was collected. */
export type OnFailure = (task: Task, testName: string) => Promise<string | undefined>

interface OpenTest {
  readonly name: string
  readonly startedAt: number
  readonly task: Task
  logsDir: string | undefined
  /** Without a result it was no test. */
  end(result?: TestResult): Promise<void>
}

export function createLiveTests(task: Task, onFailure: OnFailure): LiveTests {
  const open = new Map<string, OpenTest>()
  const results: TestResult[] = []

  const openTest = async (name: string): Promise<OpenTest> => {
    const known = open.get(name) ?? (await beginTest(task, name))
    open.set(name, known)
    return known
  }
  const endTest = async (test: OpenTest, result: TestResult): Promise<void> => {
    open.delete(test.name)
    results.push(result)
    await test.end(result)
  }
  return {
    get current() {
      return [...open.keys()].at(-1)
    },
    async take(event) {
      if (event.event === 'leave') {
        const left = open.get(event.name)
        open.delete(event.name)
        return left?.end()
      }
      const test = await openTest(event.name)
      if (event.event === 'start') return
      if (event.event === 'hold') {
        test.logsDir ??= await onFailure(test.task, event.name)
        return
      }
      const { name, outcome, durationMs, message, details } = event
      await endTest(test, { name, outcome, durationMs, message, details, logsDir: test.logsDir })
    },
    async end(why) {
      for (const test of [...open.values()])
        await endTest(test, {
          name: test.name,
          outcome: 'error',
          durationMs: Date.now() - test.startedAt,
          message: why,
          logsDir: test.logsDir,
        })
      return results
    },
  }
}

/** The step ends when the test does; that a test has failed is told by its result, and by how the step ended. */
async function beginTest(task: Task, name: string): Promise<OpenTest> {
  const { promise: ended, resolve: finish, reject: fail } = deferred()
  return new Promise((resolve, reject) => {
    const stepEnded = task
      .step(plainLine(name), async (task) => {
        const end = async (result?: TestResult): Promise<void> => {
          if (result?.outcome === 'skipped') task.log('info', `SKIPPED: ${result.message ?? ''}`)
          if (result !== undefined && hasFailed(result)) {
            task.log('error', plainLine(result.message ?? 'failed'))
            fail(testFailed(result))
          } else finish()
          await stepEnded
        }
        resolve({ name, startedAt: Date.now(), task, logsDir: undefined, end })
        await ended
      })
      .catch((error: unknown) => {
        if (!isTestFailed(error)) reject(error)
      })
  })
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let settle: { resolve: () => void; reject: (error: unknown) => void } | undefined
  const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }))
  if (settle === undefined) throw new Error('unreachable: a promise begins at once')
  return { promise, ...settle }
}

function testFailed({ name, message }: TestResult): LagoError {
  return new LagoError('LAGO_TESTS_FAILED', `${name}: ${message ?? 'failed'}`)
}

function isTestFailed(error: unknown): boolean {
  return error instanceof LagoError && error.code === 'LAGO_TESTS_FAILED'
}
