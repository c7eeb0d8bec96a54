import { LagoError } from '../../../base/errors.js'
import type { LinkWish } from '../../../plan/link-conditions.js'
import type { CommandSpec, ParsedArgs } from '../../command.js'
import { changePrefix } from '../context.js'

export const netSet: CommandSpec = {
  name: 'net set',
  summary: 'Make links worse on purpose, or as they were before',
  example: 'lago net set vm0:eth0 --rate 10mbit',
  args: [
    { name: 'target', arity: 'one', complete: 'net', help: 'NET: all nics on it; VM:NIC: one, by number, ethN or net' },
  ],
  options: [
    { name: 'down', type: 'flag', help: 'let nothing through' },
    { name: 'up', type: 'flag', help: 'take --down back, and nothing else' },
    { name: 'rate', type: 'string', help: 'limit of each direction: 500kbit, 10mbit, 1gbit, 2MBps' },
    { name: 'delay', type: 'string', help: 'delay of what the guest receives: 50ms, 1s, 250us' },
    { name: 'jitter', type: 'string', help: 'by how much the delay varies: 10ms' },
    { name: 'loss', type: 'string', help: 'share of what the guest receives that is lost: 1%, 0.05%' },
    { name: 'clear', type: 'flag', help: 'take everything back; options beside it are set anew' },
  ],
  async run(context) {
    const wish = wishOf(context.args)
    const target = context.args.one('target') ?? ''
    const { setLinks } = await import('../../../prefix/set-links.js')
    await changePrefix(context, { verb: 'net set', name: target }, async (host, prefix) => {
      await setLinks(context.task, host, prefix, target, wish)
    })
  },
}

function wishOf(args: ParsedArgs): LinkWish {
  const [down, up] = [args.flag('down'), args.flag('up')]
  if (down && up) throw new LagoError('LAGO_USAGE', 'net set: --down and --up do not go together')
  return {
    clear: args.flag('clear'),
    down: down || up ? down : undefined,
    rate: args.one('rate'),
    delay: args.one('delay'),
    jitter: args.one('jitter'),
    loss: args.one('loss'),
  }
}
