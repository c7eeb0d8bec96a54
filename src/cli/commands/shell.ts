import type { CommandSpec } from '../command.js'
import { readPrefix, withHost } from './context.js'

export const shell: CommandSpec = {
  name: 'shell',
  summary: 'Open a shell in a VM, or run a command or a local script there',
  example: 'lago shell vm0 uname -a',
  args: [
    { name: 'host', arity: 'one', help: "the VM's name, or the end of it" },
    { name: 'args', arity: 'many', help: 'a local script file, or the words of a command (a leading -c is dropped)' },
  ],
  options: [],
  passThrough: true,
  async run(context) {
    const { task, args, cwd } = context
    const { runShell } = await import('../../guest/shell.js')
    const { isSurelyUp } = await import('../../guest/wait-for-ssh.js')
    const { findVm } = await import('../../prefix/prefix.js')
    const { prefix } = await readPrefix(context)
    context.logTo(prefix.layout.log)
    const vm = findVm(prefix.plan, args.one('host') ?? '')
    const { reachGuest, sshTargetOf } = await import('../../prefix/guests.js')
    const target = sshTargetOf(context, prefix, vm)
    if (!(await isSurelyUp(task, target)))
      await withHost(context, async (host) => {
        await using _guest = await reachGuest(task, host, prefix, vm)
      })
    const request = { words: args.many('args'), cwd, isTerminal: context.isTerminal }
    return { exitCode: await runShell(task, target, request) }
  },
}
