/** The one error of an init file that cannot be used. */
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import type { SpecIssue } from './types.js'

/** One line per issue, in the order of the text; warnings are told too, as they often explain the errors. */
export function invalidInitFile(filePath: string, issues: readonly SpecIssue[], cause?: unknown): LagoError {
  const lines = issues.map((issue) => formatIssue(filePath, issue))
  return new LagoError('LAGO_SPEC_INVALID', lines.join('\n'), {
    hint: `mend ${filePath} and try again; nothing was touched`,
    data: { filePath, issues },
    ...(cause === undefined ? {} : { cause }),
  })
}

/** `LagoInitFile:12:9: domains.vm0.nics[1].net: "lagoo" is not ...; did you mean "lago"?` */
export function formatIssue(filePath: string, issue: SpecIssue): string {
  const place = issue.line === 0 ? '' : `:${issue.line}:${issue.column}`
  const severity = issue.severity === 'warning' ? ' warning:' : ''
  const where = issue.path === '' ? '' : ` ${issue.path}:`
  const suggestion = issue.suggestion === undefined ? '' : `; did you mean "${issue.suggestion}"?`
  return `${path.basename(filePath)}${place}:${severity}${where} ${issue.message}${suggestion}`
}

/** A problem of the file as a whole, or of its syntax. */
export function fileIssue(
  message: string,
  place: { readonly line: number; readonly column: number } = NOWHERE,
): SpecIssue {
  return { severity: 'error', path: '', ...place, message, suggestion: undefined }
}

const NOWHERE = { line: 0, column: 0 }
