import { LagoError } from '../../base/errors.js'
import type { CommandContext, CommandSpec } from '../command.js'
import { changePrefix } from './context.js'

export const stop: CommandSpec = {
  name: 'stop',
  summary: 'Power the VMs off and stop the nets that are not used any more',
  example: 'lago stop vm0',
  args: [{ name: 'vm-name', arity: 'many', complete: 'vm', help: 'VMs to stop; default: all' }],
  options: [{ name: 'suspend', type: 'flag', help: 'keep the memory of all VMs in files; start goes on from there' }],
  async run(context) {
    const names = context.args.many('vm-name')
    if (context.args.flag('suspend')) return suspend(context, names)
    const { stopPrefix } = await import('../../prefix/stop.js')
    await changePrefix(context, { verb: 'stop', vms: names }, async (host, prefix) =>
      stopPrefix(context.task, host, prefix, names),
    )
  },
}

async function suspend(context: CommandContext, names: readonly string[]): Promise<void> {
  if (names.length > 0)
    throw new LagoError('LAGO_USAGE', '--suspend is for the whole environment', { hint: 'lago stop --suspend' })
  const { suspendPrefix } = await import('../../prefix/suspend.js')
  await changePrefix(context, { verb: 'stop --suspend' }, async (host, prefix) =>
    suspendPrefix(context.task, host, prefix),
  )
}
