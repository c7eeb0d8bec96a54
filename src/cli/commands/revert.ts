import type { CommandSpec } from '../command.js'
import { changePrefix } from './context.js'

export const revert: CommandSpec = {
  name: 'revert',
  summary: 'Take all VMs back to a snapshot',
  example: 'lago revert clean',
  args: [{ name: 'snapshot-name', arity: 'one', complete: 'snapshot', help: 'name of the snapshot' }],
  options: [],
  async run(context) {
    const { revertPrefix } = await import('../../prefix/revert.js')
    const name = context.args.one('snapshot-name') ?? ''
    await changePrefix(context, { verb: 'revert', name }, async (host, prefix) => {
      await revertPrefix(context.task, host, prefix, name)
    })
  },
}
