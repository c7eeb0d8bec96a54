import type { CommandSpec } from '../../../index.js'
import { ENGINE_OPTIONS, VMS_TIMEOUT, vmsTimeoutMsOf } from '../engine-options.js'
import { withEnv } from '../with-env.js'

export const startVms: CommandSpec = {
  name: 'ovirt start-vms',
  summary: 'Start the VMs of the engine that are down',
  example: 'lago ovirt start-vms',
  args: [],
  options: [VMS_TIMEOUT, ...ENGINE_OPTIONS],
  async run(context) {
    const vmsTimeoutMs = vmsTimeoutMsOf(context.args)
    const { engineAccess, withEngine } = await import('../engine-access.js')
    const { startAllVms } = await import('../start-engine.js')
    const { task } = context
    await withEnv(context, async (env) =>
      withEngine(task, engineAccess(env, context), async (engine) => startAllVms(task, engine, vmsTimeoutMs)),
    )
  },
}
