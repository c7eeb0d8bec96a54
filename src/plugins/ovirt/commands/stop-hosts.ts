import type { CommandSpec } from '../../../index.js'
import { ENGINE_OPTIONS } from '../engine-options.js'
import { withEnv } from '../with-env.js'

export const stopHosts: CommandSpec = {
  name: 'ovirt stop-hosts',
  summary: 'Put all hosts into maintenance',
  example: 'lago ovirt stop-hosts',
  args: [],
  options: ENGINE_OPTIONS,
  async run(context) {
    const { engineAccess, withEngine } = await import('../engine-access.js')
    const { stopAllHosts } = await import('../start-engine.js')
    const { task } = context
    await withEnv(context, async (env) =>
      withEngine(task, engineAccess(env, context), async (engine) => stopAllHosts(task, engine)),
    )
  },
}
