import type { CommandSpec } from '../../../index.js'
import { ENGINE_OPTIONS, VMS_TIMEOUT, vmsTimeoutMsOf } from '../engine-options.js'
import { withEnv } from '../with-env.js'

export const start: CommandSpec = {
  name: 'ovirt start',
  summary: 'Start the environment and bring oVirt into service',
  example: 'lago ovirt start --with-vms',
  args: [],
  options: [
    { name: 'with-vms', type: 'flag', help: 'start the VMs of the engine, too' },
    VMS_TIMEOUT,
    ...ENGINE_OPTIONS,
  ],
  async run(context) {
    const { task, args } = context
    const options = {
      withVms: args.flag('with-vms'),
      vmsTimeoutMs: vmsTimeoutMsOf(args),
      surroundings: context,
    }
    const { engineAccess } = await import('../engine-access.js')
    const { startEngine } = await import('../start-engine.js')
    const { webInterface } = await import('../engine-status.js')
    return withEnv(context, async (env) => {
      const access = engineAccess(env, context)
      await task.step('Start oVirt', async (task) => startEngine(task, env, access, options))
      return { output: { web_ui: webInterface(access) } }
    })
  },
}
