import type { CommandSpec } from '../../../index.js'
import { ENGINE_OPTIONS } from '../engine-options.js'
import { withEnv } from '../with-env.js'

export const stopVms: CommandSpec = {
  name: 'ovirt stop-vms',
  summary: 'Power the VMs of the engine off, but not the one it runs in',
  example: 'lago ovirt stop-vms',
  args: [],
  options: ENGINE_OPTIONS,
  async run(context) {
    const { engineAccess, withEngine } = await import('../engine-access.js')
    const { stopAllVms } = await import('../start-engine.js')
    const { task } = context
    await withEnv(context, async (env) =>
      withEngine(task, engineAccess(env, context), async (engine) => stopAllVms(task, engine)),
    )
  },
}
