import type { CommandSpec } from '../../../index.js'
import { ENGINE_OPTIONS } from '../engine-options.js'
import { withEnv } from '../with-env.js'

export const revert: CommandSpec = {
  name: 'ovirt revert',
  summary: 'Take all VMs back to a snapshot and bring oVirt into service',
  example: 'lago ovirt revert ovirt-clean',
  args: [{ name: 'name', arity: 'one', complete: 'snapshot', help: 'name of the snapshot' }],
  options: ENGINE_OPTIONS,
  async run(context) {
    const { engineAccess } = await import('../engine-access.js')
    const { revertEngine } = await import('../snapshot-engine.js')
    const { task, args } = context
    await withEnv(context, async (env) => revertEngine(task, env, engineAccess(env, context), args.one('name') ?? ''))
  },
}
