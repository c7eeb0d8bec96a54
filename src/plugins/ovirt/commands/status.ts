import type { CommandSpec } from '../../../index.js'
import { ENGINE_OPTIONS } from '../engine-options.js'
import { withEnv } from '../with-env.js'

export const status: CommandSpec = {
  name: 'ovirt status',
  summary: 'Show the version of the engine, its web interface, and how much of what it has is active',
  example: 'lago --out-format flat ovirt status',
  args: [],
  options: ENGINE_OPTIONS,
  async run(context) {
    const { engineAccess } = await import('../engine-access.js')
    const { engineStatus } = await import('../engine-status.js')
    return withEnv(context, async (env) => ({
      output: await engineStatus(context.task, env, engineAccess(env, context)),
    }))
  },
}
