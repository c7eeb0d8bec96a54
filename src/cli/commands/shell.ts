import { LagoError } from '../../base/errors.js'
import type { Prefix } from '../../prefix/prefix.js'
import type { VmPlan } from '../../plan/types.js'
import type { Config } from '../../config/types.js'
import type { SshTarget } from '../../guest/ssh-command.js'
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
    const { task, config, args, cwd } = context
    const { runShell } = await import('../../guest/shell.js')
    const { waitForSsh } = await import('../../guest/wait-for-ssh.js')
    const { findVm } = await import('../../prefix/prefix.js')
    const { prefix } = await readPrefix(context)
    context.logTo(prefix.layout.log)
    const vm = findVm(prefix.plan, args.one('host') ?? '')
    await withHost(context, async (host) => {
      const { statesOf } = await import('../../prefix/prefix.js')
      const state = (await statesOf(task, host, [vm])).get(vm.spec.name)
      if (state !== 'running') throw notRunning(vm, state ?? 'unknown')
    })
    const target = sshTarget(prefix, vm, config)
    await waitForSsh(task, target, vm.spec.bootTimeoutMs)
    const request = { words: args.many('args'), cwd, isTerminal: context.isTerminal }
    return { exitCode: await runShell(task, target, request) }
  },
}

function sshTarget(prefix: Prefix, vm: VmPlan, config: Config): SshTarget {
  if (vm.managementIp === undefined)
    throw new LagoError('LAGO_GUEST_UNREACHABLE', `the address of ${vm.spec.name} is not known: it is on a bridge`)
  return {
    vm: vm.spec.name,
    ip: vm.managementIp,
    user: vm.spec.sshUser ?? config.ssh.user,
    password: vm.spec.sshPassword ?? config.vm.defaultRootPassword ?? config.ssh.password,
    keyPath: prefix.layout.sshKey,
    connectTimeoutMs: config.ssh.timeoutMs,
    connectTries: config.ssh.tries,
  }
}

function notRunning(vm: VmPlan, state: string): LagoError {
  return new LagoError('LAGO_VM_NOT_RUNNING', `Host ${vm.spec.name} is not "running", but "${state}"`, {
    hint: `lago start ${vm.spec.name}`,
    data: { vm: vm.spec.name, state },
  })
}
