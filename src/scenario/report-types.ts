/** What `report.json` holds; its version is `SuiteReport.version`. */
import type { TestOutcome } from './types.js'

/** Paths in it are relative to the directory of the report. */
export interface SuiteReport {
  readonly version: 1
  readonly suite: string
  readonly scenarios: readonly ScenarioReport[]
}

export interface ScenarioReport {
  readonly name: string
  /** Absolute. */
  readonly file: string
  readonly outcome: 'passed' | 'failed' | 'hung'
  /** ISO 8601. */
  readonly startedAt: string
  readonly seconds: number
  readonly resultFile: string
  /** What was collected after it. */
  readonly logs?: string | undefined
  readonly tests: readonly TestReport[]
}

export interface TestReport {
  readonly name: string
  readonly outcome: TestOutcome
  readonly seconds: number
  readonly message?: string | undefined
  readonly details?: string | undefined
  readonly logs?: string | undefined
}
