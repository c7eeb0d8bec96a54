import type { CommandSpec } from '../../../index.js'
import { ENGINE_OPTIONS } from '../engine-options.js'
import { withEnv } from '../with-env.js'

export const stop: CommandSpec = {
  name: 'ovirt stop',
  summary: 'Take oVirt out of service and stop the environment',
  example: 'lago ovirt stop',
  args: [],
  options: ENGINE_OPTIONS,
  async run(context) {
    const { engineAccess } = await import('../engine-access.js')
    const { stopEngine } = await import('../start-engine.js')
    await withEnv(context, async (env) => {
      const access = engineAccess(env, context)
      await context.task.step('Stop oVirt', async (task) => stopEngine(task, env, access))
    })
  },
}
