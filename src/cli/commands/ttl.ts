import type { Host } from '../../prefix/host.js'
import type { Prefix } from '../../prefix/prefix.js'
import type { CommandContext, CommandSpec, OptionSpec, ParsedArgs } from '../command.js'
import { changePrefix, readPrefix } from './context.js'

/** For verbs that begin something. */
export const TTL_OPTION: OptionSpec = {
  name: 'ttl',
  type: 'string',
  help: 'how long the environment is wanted (2h, 90m, 3d); then `lago gc --expired` may end it',
}

const NEVER = 'never'

export const ttl: CommandSpec = {
  name: 'ttl',
  summary: 'Show or change how long the environment is wanted',
  example: 'lago ttl 2h',
  args: [
    {
      name: 'time',
      arity: 'optional',
      complete: ['never'],
      help: 'from now on: 2h, 90m, 3d; never: until it is destroyed',
    },
  ],
  options: [],
  async run(context) {
    const { parseTtl } = await import('../ttl.js')
    const { readExpiry } = await import('../../prefix/expiry.js')
    const given = context.args.one('time')
    if (given === undefined) {
      const { prefix } = await readPrefix(context)
      const expiresAtMs = await readExpiry(prefix.layout)
      return { output: expiresAtMs === undefined ? NEVER : new Date(expiresAtMs).toISOString() }
    }
    await setTtl(context, given === NEVER ? undefined : parseTtl(given))
    return undefined
  },
}

/** Of a verb with `TTL_OPTION`, in milliseconds; undefined: not given. Throws `LAGO_USAGE`. */
export async function ttlOf(args: ParsedArgs): Promise<number | undefined> {
  const given = args.one('ttl')
  if (given === undefined) return undefined
  const { parseTtl } = await import('../ttl.js')
  return parseTtl(given)
}

async function setTtl(context: CommandContext, ttlMs: number | undefined): Promise<void> {
  const { setExpiry } = await import('../../prefix/expiry.js')
  const expiresAtMs = ttlMs === undefined ? undefined : Date.now() + ttlMs
  const set = async (_host: Host, prefix: Prefix): Promise<void> => setExpiry(prefix.layout, expiresAtMs)
  await changePrefix(context, { verb: 'ttl' }, set, { warmUp: false })
}
