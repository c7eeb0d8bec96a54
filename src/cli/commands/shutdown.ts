import type { CommandSpec } from '../command.js'
import { changePrefix } from './context.js'

const DEFAULT_TIMEOUT_S = 300

export const shutdown: CommandSpec = {
  name: 'shutdown',
  summary: 'Ask the guests to power off, or to reboot, and stop the nets that nobody uses any more',
  example: 'lago shutdown --force --timeout 60 vm0',
  args: [{ name: 'vm-name', arity: 'many', complete: 'vm', help: 'VMs to shut down; default: all' }],
  options: [
    { name: 'reboot', short: 'r', type: 'flag', help: 'ask the guests to reboot, and do not wait for it' },
    { name: 'force', type: 'flag', help: 'power off what has not gone down in time' },
    { name: 'timeout', type: 'int', help: `seconds to wait for the guests; default ${DEFAULT_TIMEOUT_S}` },
  ],
  async run(context) {
    const { shutdownPrefix } = await import('../../prefix/shutdown.js')
    const { task, args } = context
    await changePrefix(context, { verb: 'shutdown', vms: context.args.many('vm-name') }, async (host, prefix) =>
      shutdownPrefix(task, host, prefix, {
        names: args.many('vm-name'),
        reboot: args.flag('reboot'),
        force: args.flag('force'),
        timeoutMs: (args.int('timeout') ?? DEFAULT_TIMEOUT_S) * 1000,
      }),
    )
  },
}
