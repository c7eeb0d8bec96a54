import { LagoError } from '../../base/errors.js'
import type { CommandSpec } from '../command.js'
import { readPrefix, withHost } from './context.js'

export const shell: CommandSpec = {
  name: 'shell',
  summary: 'Open a shell in a VM, or run a command or a local script there',
  example: 'lago shell vm0 uname -a',
  args: [
    { name: 'host', arity: 'one', complete: 'vm', help: "the VM's name, or the end of it" },
    {
      name: 'args',
      arity: 'many',
      complete: 'file',
      help: 'a local script file, or the words of a command (a leading -c is dropped)',
    },
  ],
  options: [],
  passThrough: true,
  async run(context) {
    const { task, args, cwd } = context
    const words = args.many('args')
    if (words.length === 1 && words[0] === '-c')
      throw new LagoError('LAGO_USAGE', 'no command follows -c', {
        hint: `lago shell ${args.one('host') ?? 'VM'} -c "uname -a"`,
      })
    const { runShell } = await import('../../guest/shell.js')
    const { findVm } = await import('../../prefix/prefix.js')
    const { prefix } = await readPrefix(context)
    context.logTo(prefix.layout.log)
    const vm = findVm(prefix.plan, args.one('host') ?? '')
    const { greetsAtOnce, reachGuest, sshTargetOf } = await import('../../prefix/guests.js')
    const target = sshTargetOf(context, prefix, vm)
    if (!(await greetsAtOnce(task, target)))
      await withHost(context, async (host) => {
        await using _guest = await reachGuest(task, host, prefix, vm)
      })
    return { exitCode: await runShell(task, target, { words, cwd, isTerminal: context.isTerminal }) }
  },
}
