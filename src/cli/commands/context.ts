/** How verbs get at their prefix: found, locked for those that change it, opened, and everything closed at the end. */
import type { Host } from '../../prefix/host.js'
import type { Prefix } from '../../prefix/prefix.js'
import type { Undertaking } from '../../prefix/under-way.js'
import type { Place } from '../../workdir/find.js'
import type { CommandContext } from '../command.js'

/** Gives `work` a host and closes it afterwards. */
export async function withHost<T>(context: CommandContext, work: (host: Host) => Promise<T>): Promise<T> {
  const { openHost } = await import('../../prefix/host.js')
  await using host = openHost(context.config, context)
  return await work(host)
}

/** For verbs that only look. They take no lock and write nothing. */
export async function readPrefix(context: CommandContext): Promise<{ place: Place; prefix: Prefix }> {
  const { findPrefix } = await import('../../workdir/find.js')
  const { openPrefix } = await import('../../prefix/prefix.js')
  const place = await findPrefix(context.config.place, context.cwd)
  return { place, prefix: await openPrefix(place.prefixDir) }
}

/**
 * For verbs that change the prefix they stand in: one at a time; the next waits, or learns who holds it. libvirt is loaded
 * meanwhile, unless it will hardly be needed.
 */
export async function changePrefix<T>(
  context: CommandContext,
  undertaking: Undertaking,
  work: (host: Host, prefix: Prefix) => Promise<T>,
  { warmUp = true }: { readonly warmUp?: boolean } = {},
): Promise<T> {
  return withHost(context, async (host) => {
    if (warmUp) host.warmUp()
    const { findPrefix } = await import('../../workdir/find.js')
    const { changePrefix: change } = await import('../../prefix/change.js')
    const place = await findPrefix(context.config.place, context.cwd)
    return change(context.task, place.prefixDir, { host: async () => host, undertaking }, async (prefix) => {
      await using _closed = host // before the lock is freed: libvirt may have a creation to take back
      context.logTo(prefix.layout.log)
      return await work(host, prefix)
    })
  })
}
