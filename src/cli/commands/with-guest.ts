/** For the copies: the guest of the VM named, once it answers, and both paths. */
import { LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { Guest } from '../../guest/guest.js'
import type { CommandContext } from '../command.js'
import { readPrefix, withHost } from './context.js'

export interface CopyPaths {
  /** Absolute; a slash at the end stays, since it says that a directory is meant. */
  readonly local: string
  readonly remote: string
  /** Absolute, links resolved. */
  readonly prefixDir: string
}

export type GuestWork = (task: Task, guest: Guest, paths: CopyPaths) => Promise<void>

/** `check` comes before the guest is waited for. Throws `LAGO_USAGE` for an empty path. */
export async function withGuest(
  context: CommandContext,
  work: GuestWork,
  check?: (paths: CopyPaths) => Promise<void>,
): Promise<void> {
  const { task, args } = context
  for (const name of ['local-path', 'remote-path']) refuseEmpty(name, args.one(name))
  const { selectVms } = await import('../../prefix/prefix.js')
  const { reachGuest } = await import('../../prefix/guests.js')
  const { prefix } = await readPrefix(context)
  context.logTo(prefix.layout.log)
  const paths = {
    local: absolute(context.cwd, args.one('local-path') ?? ''),
    remote: args.one('remote-path') ?? '',
    prefixDir: prefix.layout.dir,
  }
  await check?.(paths)
  for (const vm of selectVms(prefix.plan, [args.one('host') ?? '']))
    await withHost(context, async (host) => {
      await using guest = await reachGuest(task, host, prefix, vm)
      await work(task, guest, paths)
    })
}

/** As of a variable that is not set: it would stand for the current directory, or the user's home. */
function refuseEmpty(name: string, value: string | undefined): void {
  if (value !== undefined && value.trim() === '')
    throw new LagoError('LAGO_USAGE', `${name} is empty`, { hint: 'for the current directory: .' })
}

function absolute(cwd: string, typed: string): string {
  return typed.startsWith('/') ? typed : `${cwd}/${typed}`
}
