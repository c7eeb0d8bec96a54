/** `lago ovirt runtest`: a scenario, its environment around it, and what is kept of it (spec 7.5). */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { factsOf, isLagoError, LagoError, messageOf } from '../../base/errors.js'
import { makeDirs } from '../../base/files.js'
import { packageDir } from '../../base/package-dir.js'
import { isCancelled, type Task } from '../../base/task.js'
import { envOfVerb, type CommandContext, type CommandOutcome, type Env } from '../../index.js'
import { addToReport, REPORT_HTML } from '../../scenario/report.js'
import { resultPath } from '../../scenario/result-path.js'
import { runScenario, type ScenarioRequest } from '../../scenario/run.js'
import { summaryData, summaryText } from '../../scenario/summary.js'
import { countsText, countTests, hasFailed, type ScenarioResult } from '../../scenario/types.js'
import { prefixEra } from '../../base/prefix-era.js'
import { findScenario } from './find-scenario.js'
import { withRepoServer } from './repo-server.js'
import { reportDirOf, suiteName } from './suite-report.js'

export interface TestRun {
  /** As given. */
  readonly file: string
  readonly junitPath: string | undefined
  readonly snapshot: string | undefined
  /** 0: no limit. */
  readonly timeoutSeconds: number
}

/**
 * Throws `LAGO_NO_TEST_FILE`, `LAGO_USAGE` and what the revert, the server and the runner throw. The outcome of tests that
 * failed bears `LAGO_TESTS_FAILED`, of those that did not end `LAGO_TESTS_HUNG`.
 */
export async function runTests(context: CommandContext, env: Env, run: TestRun): Promise<CommandOutcome> {
  const { task, cwd, config } = context
  if (run.timeoutSeconds < 0)
    throw new LagoError('LAGO_USAGE', `--timeout takes seconds, not ${run.timeoutSeconds}`, { hint: '0: no limit' })
  if (run.timeoutSeconds > LONGEST_TIMEOUT_S)
    throw new LagoError(
      'LAGO_USAGE',
      `--timeout takes ${LONGEST_TIMEOUT_S} seconds at most, not ${run.timeoutSeconds}`,
      {
        hint: '0: no limit',
      },
    )
  const file = await findTestFile(context, env, run.file)
  const era = await prefixEra(env.prefixDir)
  const resultFile = resultPath({ prefixDir: env.prefixDir, cwd, scenarioFile: file, era, given: run.junitPath })
  if ((await stat(resultFile).catch(() => undefined))?.isDirectory() === true)
    throw new LagoError('LAGO_USAGE', `the result file cannot be ${resultFile}: that is a directory`, {
      hint: 'a directory for the result file ends in /',
    })
  const { snapshot } = run
  if (snapshot !== undefined && snapshot !== '') await env.revert(snapshot)
  const request: ScenarioRequest = {
    file,
    cwd: era === '0.x' ? env.prefixDir : cwd,
    env: scenarioEnv(context, env, era),
    resultPath: resultFile,
    timeoutMs: run.timeoutSeconds * 1000,
    stopAtFirst: era === '1.x',
    onFailure: async (task, testName) => collectFor({ ...context, task }, testName),
  }
  const { result, error } = await runInStep(task, env, run, request)
  task.log('info', `Results located at ${resultFile}`)
  await report(task, reportDirOf(env), { suite: suiteName(context.env), resultFile, result })
  const answer =
    config.outFormat === 'default' ? { text: summaryText(result) } : { output: summaryData(result, resultFile) }
  return { ...answer, error }
}

/** What a timer takes (2^31 - 1 ms). */
const LONGEST_TIMEOUT_S = 2_147_483

/** What cannot be reported is told; the tests count. */
async function report(task: Task, reportDir: string, added: Parameters<typeof addToReport>[2]): Promise<void> {
  try {
    await addToReport(task, reportDir, added)
    task.log('info', `Report located at ${path.join(reportDir, REPORT_HTML)}`)
  } catch (error) {
    if (isCancelled(error)) throw error
    task.log('warning', `the report of the suite lacks this scenario: ${messageOf(error)}`, factsOf(error))
  }
}

/** The step fails with its tests. */
async function runInStep(
  task: Task,
  env: Env,
  run: TestRun,
  request: ScenarioRequest,
): Promise<{ readonly result: ScenarioResult; readonly error: LagoError | undefined }> {
  let ended: Awaited<ReturnType<typeof runInStep>> | undefined
  try {
    await task.step(`Running test: ${run.file}`, async (task) => {
      const result = await whileServed(task, env, async () => runScenario(task, request))
      const error = failureOf(result, run)
      ended = { result, error }
      if (error !== undefined) throw error
    })
  } catch (thrown) {
    if (ended === undefined || thrown !== ended.error) throw thrown
  }
  if (ended === undefined) throw new Error('unreachable: the step has ended')
  return ended
}

/** Tests of machines that no server can be for, as those on a bridge, are run all the same. */
async function whileServed<T>(task: Task, env: Env, work: () => Promise<T>): Promise<T> {
  let hasBegun = false
  try {
    return await withRepoServer(task, env, async () => {
      hasBegun = true
      return work()
    })
  } catch (error) {
    const isUnserved = isLagoError(error, 'LAGO_REPO_NET_DOWN') || isLagoError(error, 'LAGO_REPO_NO_GATEWAY')
    if (hasBegun || !isUnserved) throw error
    task.log('warning', `guests find no repository: ${error.message}`)
    return work()
  }
}

async function findTestFile({ env, cwd }: CommandContext, { prefixDir }: Env, file: string): Promise<string> {
  // the guide's prefix is made inside the suite
  const found = await findScenario(file, { cwd, suiteDirs: [env['SUITE'], path.dirname(prefixDir)] })
  if (found !== undefined) return found
  throw new LagoError('LAGO_NO_TEST_FILE', `Test file not found: ${path.resolve(cwd, file)}`, {
    hint: 'paths start at the current directory; a name alone may also be one of test-scenarios in the suite',
    data: { file: path.resolve(cwd, file) },
  })
}

/** What a scenario finds in its environment beside what was there: where the environment is, and the program itself. */
function scenarioEnv(
  context: CommandContext,
  { prefixDir }: Env,
  era: '0.x' | '1.x',
): Readonly<Record<string, string | undefined>> {
  const suite = context.env['SUITE'] || undefined
  return {
    ...context.env,
    SUITE: suite === undefined ? undefined : path.resolve(context.cwd, suite), // it may run elsewhere
    LAGO_PREFIX: prefixDir,
    LAGO_PREFIX_PATH: prefixDir,
    LAGO_WORKDIR_PATH: era === '0.x' ? undefined : path.dirname(prefixDir),
    OVIRTLAGO_NODE: process.execPath,
    OVIRTLAGO_PROGRAM: path.join(packageDir(), 'bin', 'lago.js'),
  }
}

/** What cannot be collected is told; the tests count. */
async function collectFor(context: CommandContext, testName: string): Promise<string | undefined> {
  const { task } = context
  await using env = await envOfVerb(context) // its steps are those of the test
  const dir = path.join(reportDirOf(env), `${fileName(testName)}-${stamp(new Date())}`)
  try {
    await makeDirs(path.dirname(dir))
    await env.collectArtifacts(dir)
    return dir
  } catch (error) {
    if (isCancelled(error)) throw error
    task.log('warning', `not all logs were collected for ${testName}: ${messageOf(error)}`, factsOf(error))
    return (await stat(dir).catch(() => undefined)) === undefined ? undefined : dir
  }
}

/** Names may be longer than those of files, and hold what a path must not. */
function fileName(testName: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const safe = testName.replace(/[\u0000-\u001f\u007f\ud800-\udfff/\\]+/gu, '_').replace(/^\.+/, '_')
  return [...safe].slice(0, LONGEST_NAME).join('')
}

/** In characters, which have up to four bytes; a file's name has up to 255. */
const LONGEST_NAME = 55

/** `20260131120000`, in local time. */
function stamp(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const [month, day] = [two(now.getMonth() + 1), two(now.getDate())]
  return `${now.getFullYear()}${month}${day}${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`
}

function failureOf({ tests, hasHung, file }: ScenarioResult, { timeoutSeconds }: TestRun): LagoError | undefined {
  const failed = tests.filter(hasFailed)
  const logs = failed.flatMap(({ logsDir }) => logsDir ?? [])
  const hint = logs.length === 0 ? undefined : `the logs of the VMs are in ${logs.join(', ')}`
  const data = { file, tests: failed.map(({ name }) => name), logs }
  if (hasHung)
    return new LagoError(
      'LAGO_TESTS_HUNG',
      `Some tests failed: ${file} did not end within ${timeoutSeconds} s, in ${failed.at(-1)?.name ?? file}`,
      { hint: hint ?? '--timeout SECONDS gives it longer', data },
    )
  if (failed.length === 0) return undefined
  return new LagoError('LAGO_TESTS_FAILED', `Some tests failed: ${countsText(countTests(tests))}`, { hint, data })
}
