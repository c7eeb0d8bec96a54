/** The report of a suite run, in `<prefix>/test_logs`. */
import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { LagoError } from '../../base/errors.js'
import type { CommandContext, CommandOutcome, Env } from '../../index.js'
import { refreshReport, REPORT_HTML } from '../../scenario/report.js'
import { suiteText } from '../../scenario/summary.js'

/** Absolute. */
export function reportDirOf({ prefixDir }: Pick<Env, 'prefixDir'>): string {
  return path.join(prefixDir, 'test_logs')
}

/** What users call a suite: the last part of its directory. */
export function suiteName(env: Readonly<Record<string, string | undefined>>): string {
  return path.basename(env['SUITE'] ?? '')
}

/** What suites collect after each scenario, beside the report, is linked there at once. */
export async function linkCollected({ task, cwd }: CommandContext, env: Env, outputDir: string): Promise<void> {
  const reportDir = reportDirOf(env)
  const [beside, own] = await Promise.all([
    realpath(path.resolve(cwd, outputDir, '..')),
    realpath(reportDir).catch(() => ''),
  ])
  if (beside === own) await refreshReport(task, reportDir)
}

/** Throws `LAGO_NO_REPORT` when no scenario has run. */
export async function showReport({ task, config }: CommandContext, env: Env): Promise<CommandOutcome> {
  const dir = reportDirOf(env)
  const report = await refreshReport(task, dir)
  if (report === undefined)
    throw new LagoError('LAGO_NO_REPORT', `no scenario has run in ${env.prefixDir}`, {
      hint: 'run one: lago ovirt runtest FILE',
    })
  task.log('info', `Report located at ${path.join(dir, REPORT_HTML)}`)
  return config.outFormat === 'default' ? { text: suiteText(report.scenarios) } : { output: report }
}
