import type { CommandContext, CommandSpec } from '../command.js'
import { changePrefix } from './context.js'
import { RUNG_WORDS } from './wait.js'
import { TTL_OPTION, ttlOf } from './ttl.js'

export const start: CommandSpec = {
  name: 'start',
  summary: 'Start the nets and VMs of the environment, or only the VMs named',
  example: 'lago start vm0',
  args: [
    { name: 'vm-name', arity: 'many', complete: 'vm', help: 'VMs to start, with the nets they use; default: all' },
  ],
  options: [
    {
      name: 'wait',
      type: 'optional',
      complete: RUNG_WORDS,
      help: 'return when the VMs are ready: --wait for ssh, --wait=RUNG for a rung of `lago wait`',
    },
    TTL_OPTION,
    { name: 'force', type: 'flag', help: 'start also what does not fit this host (see lago doctor)' },
  ],
  async run(context) {
    const { startPrefix } = await import('../../prefix/start.js')
    const { setExpiry } = await import('../../prefix/expiry.js')
    const vms = context.args.many('vm-name')
    const force = context.args.flag('force')
    const rung = await wantedRung(context)
    const ttlMs = await ttlOf(context.args)
    await changePrefix(context, { verb: 'start', vms }, async (host, prefix) => {
      await startPrefix(context.task, host, prefix, vms, { force })
      if (ttlMs !== undefined) await setExpiry(prefix.layout, Date.now() + ttlMs)
    })
    if (rung === undefined) return
    const { waitInPrefix } = await import('./wait.js')
    await waitInPrefix(context, { vms, rung })
  },
}

/** Checked before anything is started. */
async function wantedRung({ args }: CommandContext): Promise<string | undefined> {
  const wanted = args.optional('wait')
  if (wanted === undefined) return undefined
  const { DEFAULT_RUNG, parseRung } = await import('../../prefix/wait-rungs.js')
  const rung = wanted === true ? DEFAULT_RUNG : wanted
  parseRung(rung)
  return rung
}
