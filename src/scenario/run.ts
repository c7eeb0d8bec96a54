/** Runs one scenario file from its beginning to its result file. Knows no environment: what it is told to hand on it does. */
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../base/errors.js'
import { makeDirs, writeFileAtomic } from '../base/files.js'
import { lastLines } from '../base/plain-text.js'
import { makeScratchDir, sweepScratchDirs } from '../base/scratch-dir.js'
import type { Task } from '../base/task.js'
import { runChild, type ChildEnd } from './child.js'
import { readJunit, renderJunit } from './junit.js'
import { createLiveTests, type OnFailure } from './live-tests.js'
import { EVENTS_FD, EVENTS_FD_VARIABLE } from './protocol.js'
import { findRunner, type Runner } from './runners.js'
import { hasFailed, type ScenarioResult, type TestResult } from './types.js'

export interface ScenarioRequest {
  /** Absolute; must be there. */
  readonly file: string
  readonly cwd: string
  /** All of it; what the runner needs is added. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute; its directory is made. An earlier one is removed first. */
  readonly resultPath: string
  /** 0: no limit. */
  readonly timeoutMs: number
  readonly stopAtFirst: boolean
  /** Once for each failed test: while the runner waits, or at the end where it cannot. */
  readonly onFailure: OnFailure
  /** Between asking the runner to end and ending it. Default 10 s. */
  readonly graceMs?: number
}

const GRACE_MS = 10_000

/**
 * Gives what the tests gave, failed ones included; the result file is written by then, whatever became of the runner.
 * Throws `LAGO_NO_TEST_RUNNER`, `LAGO_USAGE` for files that no runner is known for, and the reason of an abort.
 */
export async function runScenario(task: Task, request: ScenarioRequest): Promise<ScenarioResult> {
  const { file, resultPath } = request
  const startedAt = Date.now()
  await makeDirs(path.dirname(resultPath))
  const placeDir = path.dirname(resultPath)
  await sweepScratchDirs(task, [placeDir])
  const scratchDir = await makeScratchDir('runtest', placeDir) // from there the result is renamed
  try {
    const junitPath = path.join(scratchDir, 'result.xml')
    const pythonPath = request.env['PYTHONPATH']
    const runner = await findRunner(task, { file, junitPath, stopAtFirst: request.stopAtFirst, pythonPath })
    await rm(resultPath, { force: true }) // or it would be taken for this run's, should this one be killed
    const run = await runTests(task, request, runner, junitPath)
    const result = { file, startedAt, durationMs: Date.now() - startedAt, tests: run.tests, hasHung: run.hasHung }
    await writeFileAtomic(resultPath, run.junit ?? renderJunit(path.basename(file), result))
    return result
  } finally {
    await rm(scratchDir, { recursive: true, force: true })
  }
}

interface TestRun {
  readonly tests: readonly TestResult[]
  readonly hasHung: boolean
  /** The runner's own result file, where it says all that there is to say. */
  readonly junit: string | undefined
}

async function runTests(task: Task, request: ScenarioRequest, runner: Runner, junitPath: string): Promise<TestRun> {
  const onFailure = once(request.onFailure)
  const live = createLiveTests(task, onFailure)
  const end = await runChild(task, {
    argv: runner.argv,
    cwd: request.cwd,
    env: { ...request.env, ...runner.env, [EVENTS_FD_VARIABLE]: String(EVENTS_FD) },
    timeoutMs: request.timeoutMs,
    graceMs: request.graceMs ?? GRACE_MS,
    onLine: (line) => task.log('info', line),
    onEvent: live.take,
  })
  const seen = await live.end(endText(runner, end, request.timeoutMs))
  const junit = end.hasHung ? undefined : await readResultFile(junitPath)
  const known = runner.hasEvents ? seen : (junit?.tests ?? [])
  const added = endAsTest(request, runner, end, known)
  const tests = added === undefined ? known : [...known, added]
  if (tests.length === 0) task.log('warning', `there is no test in ${request.file}`)
  return {
    tests: await withLogs(task, tests, onFailure),
    hasHung: end.hasHung,
    junit: added === undefined ? junit?.text : undefined,
  }
}

/** The same test is not looked at twice. */
function once(onFailure: OnFailure): OnFailure {
  const known = new Map<string, ReturnType<OnFailure>>()
  return async (task, name) => {
    const answer = known.get(name) ?? onFailure(task, name)
    known.set(name, answer)
    return answer
  }
}

/** Undefined when there is none, or a part of one. */
async function readResultFile(
  filePath: string,
): Promise<{ readonly text: string; readonly tests: readonly TestResult[] } | undefined> {
  try {
    const text = await readFile(filePath, 'utf8')
    const tests = readJunit(text)
    return tests === undefined ? undefined : { text, tests }
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}

function endText({ name }: Runner, { exitCode, signal, hasHung }: ChildEnd, timeoutMs: number): string {
  if (hasHung) return `it did not end within ${timeoutMs / 1000} s, and was ended`
  if (name === 'pytest' && exitCode === USAGE_ERROR)
    return 'pytest did not take what it was called with (exit code 4): it has to be 5.4 or newer'
  return `${name} ended ${signal === undefined ? `with exit code ${exitCode ?? '?'}` : `by ${signal}`}`
}

/** An end that no test tells of is a test of its own, named after the file; so is a program that has no tests. */
function endAsTest(
  { file, timeoutMs }: ScenarioRequest,
  runner: Runner,
  end: ChildEnd,
  tests: readonly TestResult[],
): TestResult | undefined {
  const test = { name: path.basename(file), durationMs: 0 }
  const isProgram = runner.name === 'node' && tests.length === 0
  if (end.exitCode === 0 && !end.hasHung) return isProgram ? { ...test, outcome: 'passed' } : undefined
  if (end.exitCode === NO_TESTS && runner.name === 'pytest' && tests.length === 0) return undefined
  if (tests.some(hasFailed)) return undefined
  const details = lastLines(end.lastLines.join('\n'), SHOWN_LINES).join('\n')
  return { ...test, outcome: 'error', message: endText(runner, end, timeoutMs), details }
}

/** Of pytest: ExitCode. */
const USAGE_ERROR = 4
const NO_TESTS = 5
const SHOWN_LINES = 20

async function withLogs(
  task: Task,
  tests: readonly TestResult[],
  onFailure: OnFailure,
): Promise<readonly TestResult[]> {
  const found: TestResult[] = []
  for (const test of tests) {
    if (!hasFailed(test) || test.logsDir !== undefined) found.push(test)
    else found.push({ ...test, logsDir: await onFailure(task, test.name) })
  }
  return found
}
