/** What a run gave, for the terminal and as data. */
import { plainLine } from '../base/plain-text.js'
import type { ScenarioReport } from './report-types.js'
import { countsText, countTests, hasFailed, type ScenarioResult, type TestResult } from './types.js'

/** A table of tests, with a line end. */
export function summaryText({ tests, durationMs }: Pick<ScenarioResult, 'tests' | 'durationMs'>): string {
  return `${table('TEST', tests)}\n${countsText(countTests(tests))}, in ${secondsText(durationMs)} s\n`
}

interface Row {
  readonly name: string
  readonly outcome: string
  readonly durationMs: number
}

function table(head: string, rows: readonly Row[]): string {
  const cells = [
    { name: head, outcome: 'RESULT', took: 'SECONDS' },
    ...rows.map(({ name, outcome, durationMs }) => ({ name: plainLine(name), outcome, took: secondsText(durationMs) })),
  ]
  const width = (column: 'name' | 'outcome' | 'took'): number => Math.max(...cells.map((row) => row[column].length))
  const [names, outcomes, times] = [width('name'), width('outcome'), width('took')]
  return cells
    .map(({ name, outcome, took }) => `${name.padEnd(names)}  ${outcome.padEnd(outcomes)}  ${took.padStart(times)}\n`)
    .join('')
}

function secondsText(durationMs: number): string {
  return (durationMs / 1000).toFixed(1)
}

export interface SummaryData {
  readonly scenario: string
  readonly result: 'passed' | 'failed'
  readonly seconds: number
  /** Absolute path of the result file. */
  readonly results_file: string
  readonly tests: readonly TestSummary[]
}

export interface TestSummary {
  readonly name: string
  readonly result: string
  readonly seconds: number
  readonly message: string | undefined
  /** Absolute path. */
  readonly logs: string | undefined
}

export function summaryData(result: ScenarioResult, resultsFile: string): SummaryData {
  return {
    scenario: result.file,
    result: result.tests.some(hasFailed) ? 'failed' : 'passed',
    seconds: result.durationMs / 1000,
    results_file: resultsFile,
    tests: result.tests.map(testSummary),
  }
}

function testSummary({ name, outcome, durationMs, message, logsDir }: TestResult): TestSummary {
  return { name, result: outcome, seconds: durationMs / 1000, message, logs: logsDir }
}

/** A table of scenarios, with a line end. */
export function suiteText(scenarios: readonly ScenarioReport[]): string {
  const rows = scenarios.map(({ name, outcome, seconds }) => ({ name, outcome, durationMs: seconds * 1000 }))
  const bad = rows.filter(({ outcome }) => outcome !== 'passed').length
  const counts = `${rows.length} ${rows.length === 1 ? 'scenario' : 'scenarios'}: ${bad === 0 ? 'all passed' : `${bad} failed`}`
  const durationMs = rows.reduce((sum, row) => sum + row.durationMs, 0)
  return `${table('SCENARIO', rows)}\n${counts}, in ${secondsText(durationMs)} s\n`
}
