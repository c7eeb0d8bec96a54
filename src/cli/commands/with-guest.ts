/** For the copies: the guest of the VM named, once it answers, and both paths. */
import type { Task } from '../../base/task.js'
import type { Guest } from '../../guest/guest.js'
import type { CommandContext } from '../command.js'
import { readPrefix, withHost } from './context.js'

export interface CopyPaths {
  /** Absolute; a slash at the end stays, since it says that a directory is meant. */
  readonly local: string
  readonly remote: string
}

export async function withGuest(
  context: CommandContext,
  work: (task: Task, guest: Guest, paths: CopyPaths) => Promise<void>,
): Promise<void> {
  const { task, args } = context
  const { selectVms } = await import('../../prefix/prefix.js')
  const { reachGuest } = await import('../../prefix/guests.js')
  const { prefix } = await readPrefix(context)
  context.logTo(prefix.layout.log)
  const paths = { local: absolute(context.cwd, args.one('local-path') ?? ''), remote: args.one('remote-path') ?? '' }
  for (const vm of selectVms(prefix.plan, [args.one('host') ?? '']))
    await withHost(context, async (host) => {
      await using guest = await reachGuest(task, host, prefix, vm)
      await work(task, guest, paths)
    })
}

function absolute(cwd: string, typed: string): string {
  return typed.startsWith('/') ? typed : `${cwd}/${typed}`
}
