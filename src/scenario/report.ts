/**
 * The results of a whole suite: `report.json`, which is added to with every scenario, and `report.html` made from it.
 * The form of the first is documented in docs/ovirt.md.
 */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../base/errors.js'
import { makeDirs, writeFileAtomic } from '../base/files.js'
import { withLock } from '../base/lock.js'
import type { Task } from '../base/task.js'
import { renderReport } from './report-html.js'
import type { ScenarioReport, SuiteReport } from './report-types.js'
import { hasFailed, type ScenarioResult } from './types.js'

export const REPORT_JSON = 'report.json'
export const REPORT_HTML = 'report.html'

const LOCK_LIMIT_MS = 60_000

/** `result` takes the place of an earlier one of the same file, else it is the last. Throws `LAGO_LOCKED`, `LAGO_REPORT_FORMAT`. */
export async function addToReport(
  task: Task,
  reportDir: string,
  added: { readonly suite: string; readonly resultFile: string; readonly result: ScenarioResult },
): Promise<void> {
  await makeDirs(reportDir)
  await locked(task, reportDir, async () => {
    const { suite = '', scenarios = [] } = (await readReport(reportDir)) ?? {}
    const entry = toReport(reportDir, added.resultFile, added.result)
    const isKnown = scenarios.some(({ file }) => file === entry.file)
    await writeReport(reportDir, {
      version: 1,
      suite: added.suite === '' ? suite : added.suite,
      scenarios: isKnown
        ? scenarios.map((scenario) => (scenario.file === entry.file ? entry : scenario))
        : [...scenarios, entry],
    })
  })
}

/** Looks again for what was collected since. Gives the report; undefined: no scenario has run yet. Throws as `addToReport`. */
export async function refreshReport(task: Task, reportDir: string): Promise<SuiteReport | undefined> {
  if ((await readReport(reportDir)) === undefined) return undefined
  return locked(task, reportDir, async () => {
    const report = await readReport(reportDir)
    return report === undefined ? undefined : writeReport(reportDir, report)
  })
}

async function locked<T>(task: Task, reportDir: string, work: () => Promise<T>): Promise<T> {
  const what = `the report in ${reportDir}`
  return withLock(task, { path: reportDir, kind: 'directory', what, waitMs: LOCK_LIMIT_MS }, work)
}

/** Undefined when there is none. One that is not of this form is left as it is. */
async function readReport(reportDir: string): Promise<SuiteReport | undefined> {
  const filePath = path.join(reportDir, REPORT_JSON)
  const found = await readFile(filePath, 'utf8').then(
    (text) => parseReport(text),
    (error: unknown) => {
      if (isSystemError(error, 'ENOENT')) return 'none'
      if (isSystemError(error, 'EISDIR')) return undefined
      throw error
    },
  )
  if (found === 'none') return undefined
  if (found !== undefined) return found
  throw new LagoError('LAGO_REPORT_FORMAT', `${filePath} is no report of version 1: nothing is added to it`, {
    hint: 'move it away: the next "lago ovirt runtest" begins a new one',
    data: { path: filePath },
  })
}

/** Undefined for what is none, or a damaged one. */
function parseReport(text: string): SuiteReport | undefined {
  try {
    const report = JSON.parse(text) as SuiteReport | null // looked at here
    return report?.version === 1 && report.scenarios.every(isScenario) ? report : undefined
  } catch {
    return undefined
  }
}

function isScenario({ name, file, outcome, tests }: ScenarioReport): boolean {
  const areTexts = [name, file, outcome, ...tests.flatMap((test) => [test.name, test.outcome])]
  return areTexts.every((value: unknown) => typeof value === 'string')
}

async function writeReport(reportDir: string, report: SuiteReport): Promise<SuiteReport> {
  const dirs = new Set(await readdir(reportDir))
  const scenarios = report.scenarios.map((scenario) => {
    const logs = `post-${scenario.name}`
    return dirs.has(logs) ? { ...scenario, logs } : scenario
  })
  const whole = { ...report, scenarios }
  await writeFileAtomic(path.join(reportDir, REPORT_JSON), `${JSON.stringify(whole, undefined, 2)}\n`)
  await writeFileAtomic(path.join(reportDir, REPORT_HTML), renderReport(whole))
  return whole
}

function toReport(reportDir: string, resultFile: string, result: ScenarioResult): ScenarioReport {
  const { file, startedAt, durationMs, tests, hasHung } = result
  const below = (target: string): string => path.relative(reportDir, target)
  return {
    name: path.basename(file),
    file,
    outcome: hasHung ? 'hung' : tests.some(hasFailed) ? 'failed' : 'passed',
    startedAt: new Date(startedAt).toISOString(),
    seconds: durationMs / 1000,
    resultFile: below(resultFile),
    tests: tests.map(({ name, outcome, durationMs, message, details, logsDir }) => ({
      name,
      outcome,
      seconds: durationMs / 1000,
      message,
      details,
      logs: logsDir === undefined ? undefined : below(logsDir),
    })),
  }
}
