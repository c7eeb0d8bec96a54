import type { CommandSpec } from '../../../index.js'
import { ENGINE_OPTIONS } from '../engine-options.js'
import { withEnv } from '../with-env.js'

export const snapshot: CommandSpec = {
  name: 'ovirt snapshot',
  summary: 'Take a snapshot of all VMs while oVirt is at rest',
  example: 'lago ovirt snapshot ovirt-clean --no-restore',
  args: [{ name: 'name', arity: 'one', complete: 'snapshot', help: 'name of the snapshot' }],
  options: [
    { name: 'no-restore', type: 'flag', help: 'leave hosts and storage in maintenance, and the services stopped' },
    ...ENGINE_OPTIONS,
  ],
  async run(context) {
    const { engineAccess } = await import('../engine-access.js')
    const { snapshotEngine } = await import('../snapshot-engine.js')
    const { task, args } = context
    const request = { name: args.one('name') ?? '', restore: !args.flag('no-restore') }
    await withEnv(context, async (env) => snapshotEngine(task, env, engineAccess(env, context), request))
  },
}
