import type { CommandSpec } from '../../../index.js'
import { withEnv } from '../with-env.js'

export const report: CommandSpec = {
  name: 'ovirt report',
  summary: 'Show the results of all scenarios, and bring their report up to date with what was collected',
  example: 'lago ovirt report',
  args: [],
  options: [],
  async run(context) {
    const { showReport } = await import('../suite-report.js')
    return withEnv(context, async (env) => showReport(context, env))
  },
}
