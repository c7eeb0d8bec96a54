import type { CommandSpec } from '../command.js'
import { changePrefix } from './context.js'

export const stop: CommandSpec = {
  name: 'stop',
  summary: 'Power the VMs off and stop the nets that are not used any more',
  example: 'lago stop vm0',
  args: [{ name: 'vm-name', arity: 'many', help: 'VMs to stop; default: all' }],
  options: [],
  async run(context) {
    const { stopPrefix } = await import('../../prefix/stop.js')
    await changePrefix(context, async (host, prefix) =>
      stopPrefix(context.task, host, prefix, context.args.many('vm-name')),
    )
  },
}
