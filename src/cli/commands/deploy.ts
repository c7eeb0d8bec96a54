import type { CommandSpec } from '../command.js'
import { changePrefix } from './context.js'

export const deploy: CommandSpec = {
  name: 'deploy',
  summary: 'Run the deploy scripts in all VMs, or only in the VMs named',
  example: 'lago deploy --changed',
  args: [{ name: 'vm-name', arity: 'many', complete: 'vm', help: 'VMs to deploy; default: all that have scripts' }],
  options: [
    {
      name: 'changed',
      type: 'flag',
      help: 'begin with the first script of a VM that has changed, has failed or has not run yet',
    },
  ],
  async run(context) {
    const { deployPrefix } = await import('../../prefix/deploy.js')
    const { task, args } = context
    const options = { names: args.many('vm-name'), changedOnly: args.flag('changed') }
    await changePrefix(
      context,
      { verb: 'deploy', vms: options.names },
      async (host, prefix) => deployPrefix(task, host, prefix, options),
      { warmUp: false },
    )
  },
}
