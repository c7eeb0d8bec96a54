import { LagoError } from '../../base/errors.js'
import type { CommandContext, CommandOutcome, CommandSpec } from '../command.js'
import { changePrefix, readPrefix, withHost } from './context.js'

export const snapshot: CommandSpec = {
  name: 'snapshot',
  summary: 'Keep the state of all VMs under a name, or list and delete such states',
  example: 'lago snapshot clean',
  args: [{ name: 'snapshot-name', arity: 'optional', complete: 'snapshot', help: 'name of the snapshot' }],
  options: [
    { name: 'list', short: 'l', type: 'flag', help: 'list the snapshots of each VM' },
    { name: 'delete', type: 'flag', help: 'delete the snapshot of this name' },
    { name: 'disk-only', type: 'flag', help: 'leave out the memory of running VMs' },
  ],
  async run(context) {
    const name = context.args.one('snapshot-name')
    refuseMixed(context, name)
    if (context.args.flag('list')) return listing(context)
    if (name === undefined)
      throw new LagoError('LAGO_USAGE', 'snapshot: SNAPSHOT_NAME is missing', { hint: 'lago snapshot NAME, or --list' })
    if (context.args.flag('delete')) return remove(context, name)
    const { snapshotPrefix } = await import('../../prefix/snapshot.js')
    const options = { diskOnly: context.args.flag('disk-only') }
    await changePrefix(context, { verb: 'snapshot', name }, async (host, prefix) => {
      await snapshotPrefix(context.task, host, prefix, name, options)
    })
  },
}

function refuseMixed({ args }: CommandContext, name: string | undefined): void {
  const given = ['list', 'delete', 'disk-only'].filter((flag) => args.flag(flag)).map((flag) => `--${flag}`)
  if (given.length > 1) throw new LagoError('LAGO_USAGE', `snapshot: ${given.join(' and ')} do not go together`)
  if (args.flag('list') && name !== undefined)
    throw new LagoError('LAGO_USAGE', `snapshot: --list takes no name, but "${name}" is given`)
}

async function listing(context: CommandContext): Promise<CommandOutcome> {
  return withHost(context, async (host) => {
    const { listSnapshots, listingOutput } = await import('../../prefix/list-snapshots.js')
    const { prefix } = await readPrefix(context)
    const all = await listSnapshots(context.task, host, prefix)
    // what is for the eye is short; what is for programs is whole
    return { output: listingOutput(all, { brief: context.config.outFormat === 'default' }) }
  })
}

async function remove(context: CommandContext, name: string): Promise<void> {
  const { deleteSnapshot } = await import('../../prefix/delete-snapshot.js')
  await changePrefix(context, { verb: 'snapshot --delete', name }, async (host, prefix) => {
    await deleteSnapshot(context.task, host, prefix, name)
  })
}
