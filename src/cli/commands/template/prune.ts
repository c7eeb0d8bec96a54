import type { StoredInfo } from '../../../store/stored.js'
import type { CommandContext, CommandSpec } from '../../command.js'
import { withHost } from '../context.js'
import { STORE_OPTION } from './options.js'

export const templatePrune: CommandSpec = {
  name: 'template prune',
  summary: 'Remove templates that no environment uses from the store',
  example: 'lago template prune --yes',
  args: [
    {
      name: 'name',
      arity: 'many',
      help: 'NAME, NAME:VERSION or REPOSITORY:NAME:VERSION; default: all that can be fetched again',
    },
  ],
  options: [STORE_OPTION, { name: 'yes', short: 'y', type: 'flag', help: 'do not ask' }],
  async run(context) {
    const { prunableAmong } = await import('../../../sdk/template-verbs.js')
    const { pruneStored } = await import('../../../store/prune.js')
    const { task, args } = context
    return withHost(context, async (host) => {
      const going = await prunableAmong({ ...context, host }, args.many('name'))
      if (going.length === 0) {
        task.log('info', 'there is nothing to remove')
        return {}
      }
      if (!(await isWanted(context, going))) return {}
      const removed = await pruneStored(task, going)
      return { output: removed.map(({ files }) => files.key) }
    })
  },
}

async function isWanted({ args, task, confirm }: CommandContext, going: readonly StoredInfo[]): Promise<boolean> {
  if (args.flag('yes')) return true
  const mebibytes = going.reduce((sum, { usedBytes }) => sum + usedBytes, 0) / 1024 ** 2
  const keys = going.map(({ files }) => files.key).join(', ')
  if (await confirm(`Remove ${keys} (${mebibytes.toFixed(1)} MiB)? [Yn] `)) return true
  task.log('info', 'Aborting on user input')
  return false
}
