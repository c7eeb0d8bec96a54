/** What the checks have found as plain data, and as a table for people. */
import { plainText } from '../base/plain-text.js'
import { worstOf } from './doctor.js'
import type { CheckResult, Outcome } from './types.js'

/** Stable: scripts read it. */
export function reportData(results: readonly CheckResult[]): Readonly<Record<string, unknown>> {
  return {
    verdict: worstOf(results),
    checks: Object.fromEntries(
      results.map(({ id, title, outcome, reason, remedy, details, wasFixed }) => [
        id,
        {
          title,
          state: outcome,
          reason,
          ...(remedy === undefined ? {} : { command: remedy.command, fixable: remedy.safe !== undefined }),
          ...(wasFixed === undefined ? {} : { fixed: outcome === 'ok' }),
          ...(details === undefined ? {} : { details }),
        },
      ]),
    ),
  }
}

/** A line for each check; below it the commands for those that are not ok. Ends with a line end. */
export function reportTable(results: readonly CheckResult[]): string {
  const width = Math.max(...results.map(({ id }) => id.length))
  const rows = results.map(({ id, outcome, reason, wasFixed }) => {
    return `${id.padEnd(width)}  ${outcome.padEnd(STATE_WIDTH)}  ${wasFixed && outcome === 'ok' ? 'mended: ' : ''}${plainText(reason).replaceAll('\n', ' ')}`
  })
  return [...rows, ...remedies(results), '', verdictLine(results), ''].join('\n')
}

const STATE_WIDTH = 'warning'.length

function remedies(results: readonly CheckResult[]): string[] {
  const lines = results.flatMap(({ id, outcome, remedy }) => {
    if (outcome === 'ok' || remedy === undefined) return []
    return [`  ${id}${remedy.safe === undefined ? '' : ' (or lago doctor --fix)'}:`, `    ${remedy.command}`]
  })
  return lines.length === 0 ? [] : ['', 'To mend it:', ...lines]
}

function verdictLine(results: readonly CheckResult[]): string {
  const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length
  return `${VERDICTS[worstOf(results)]}: ${count('failed')} failed, ${count('warning')} warnings, ${count('ok')} ok`
}

const VERDICTS: Readonly<Record<Outcome, string>> = {
  ok: 'this host is ready',
  warning: 'this host will do',
  failed: 'this host is not ready',
}
