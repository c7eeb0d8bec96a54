import type { ReachedRung } from '../../prefix/wait.js'
import type { CommandContext, CommandSpec } from '../command.js'
import { usageError, commandUsage } from '../usage.js'
import { readPrefix, withHost } from './context.js'

/** For completion. */
export const RUNG_WORDS: readonly string[] = [
  'running',
  'kernel',
  'agent',
  'network',
  'ssh',
  'cloud-init',
  'unit:',
  'port:',
  'cmd:',
]

export const wait: CommandSpec = {
  name: 'wait',
  summary: 'Wait until VMs are ready, as far as a rung says',
  example: 'lago wait vm0 ssh --timeout 120',
  args: [
    { name: 'vm-name', arity: 'many', complete: 'vm', help: 'VMs to wait for; default: all' },
    {
      name: 'rung',
      arity: 'one',
      complete: RUNG_WORDS,
      help: 'one of running, kernel, agent, network, ssh, cloud-init, unit:NAME, port:NUMBER or cmd:COMMAND',
    },
  ],
  options: [{ name: 'timeout', short: 't', type: 'int', help: "seconds; default: the VM's boot_time_sec" }],
  async run(context) {
    const { args } = context
    const timeoutS = args.int('timeout')
    if (timeoutS !== undefined && timeoutS < 1)
      throw usageError(
        `bad value "${timeoutS}" for --timeout: expected a whole number of at least 1`,
        commandUsage(wait),
      )
    const request = { vms: args.many('vm-name'), rung: args.one('rung') ?? '', timeoutS }
    return { output: await waitInPrefix(context, request) }
  },
}

export interface WaitWords {
  readonly vms: readonly string[]
  readonly rung: string
  readonly timeoutS?: number | undefined
}

/** Takes no lock: others may go on with the prefix meanwhile. By VM: when each rung was reached. */
export async function waitInPrefix(
  context: CommandContext,
  { vms, rung, timeoutS }: WaitWords,
): Promise<Readonly<Record<string, unknown>>> {
  const { waitForRung } = await import('../../prefix/wait.js')
  const { prefix } = await readPrefix(context)
  context.logTo(prefix.layout.log)
  const timeoutMs = timeoutS === undefined ? undefined : timeoutS * 1000
  const reached = await withHost(context, async (host) =>
    waitForRung(context.task, host, prefix, { vms, rung, timeoutMs }),
  )
  return Object.fromEntries([...reached].map(([vm, rungs]) => [vm, { reached_ms: timesOf(rungs) }]))
}

function timesOf(rungs: readonly ReachedRung[]): Readonly<Record<string, number>> {
  return Object.fromEntries(rungs.map(({ rung, afterMs }) => [rung, afterMs]))
}
