import type { CommandSpec } from '../../../index.js'
import { ENGINE_OPTIONS } from '../engine-options.js'
import { withEnv } from '../with-env.js'

export const startHosts: CommandSpec = {
  name: 'ovirt start-hosts',
  summary: 'Activate the hosts that are in maintenance',
  example: 'lago ovirt start-hosts',
  args: [],
  options: ENGINE_OPTIONS,
  async run(context) {
    const { engineAccess, withEngine } = await import('../engine-access.js')
    const { startAllHosts } = await import('../start-engine.js')
    const { task } = context
    await withEnv(context, async (env) =>
      withEngine(task, engineAccess(env, context), async (engine) => startAllHosts(task, engine)),
    )
  },
}
