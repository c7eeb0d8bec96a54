import type { CommandSpec } from '../../../index.js'
import { withEnv } from '../with-env.js'

export const collect: CommandSpec = {
  name: 'ovirt collect',
  summary: 'Fetch the logs of all VMs, as lago collect does',
  example: 'lago ovirt collect --output test_logs',
  args: [],
  options: [
    {
      name: 'output',
      type: 'string',
      complete: 'directory',
      help: 'directory to write to; that of an earlier collect is renamed (required)',
    },
    { name: 'no-skip', type: 'flag', help: 'fail when an artifact is not there' },
  ],
  async run(context) {
    const { LagoError } = await import('../../../base/errors.js')
    const output = context.args.one('output')
    if (output === undefined || output === '')
      throw new LagoError('LAGO_USAGE', 'collect needs a directory to write to', {
        hint: 'lago ovirt collect --output DIR',
      })
    const failOnMissing = context.args.flag('no-skip')
    await withEnv(context, async (env) => {
      await env.collectArtifacts(output, { failOnMissing })
      const { linkCollected } = await import('../suite-report.js')
      await linkCollected(context, env, output)
    })
  },
}
