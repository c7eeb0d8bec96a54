import type { CommandSpec } from '../command.js'
import { changePrefix } from './context.js'

export const start: CommandSpec = {
  name: 'start',
  summary: 'Start the nets and VMs of the environment, or only the VMs named',
  example: 'lago start vm0',
  args: [{ name: 'vm-name', arity: 'many', help: 'VMs to start, with the nets they use; default: all' }],
  options: [],
  async run(context) {
    const { startPrefix } = await import('../../prefix/start.js')
    await changePrefix(context, async (host, prefix) =>
      startPrefix(context.task, host, prefix, context.args.many('vm-name')),
    )
  },
}
