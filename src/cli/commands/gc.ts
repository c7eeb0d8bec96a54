import path from 'node:path'
import { isLagoError, messageOf } from '../../base/errors.js'
import { joinFailures } from '../../base/fan-out.js'
import { prefixLayout } from '../../prefix/layout.js'
import type { Environment } from '../../prefix/environments.js'
import type { Host } from '../../prefix/host.js'
import type { Leftover } from '../../prefix/leftovers.js'
import type { CommandContext, CommandSpec } from '../command.js'
import { withHost } from './context.js'

export const gc: CommandSpec = {
  name: 'gc',
  summary: 'Show what belongs to no environment any more, or remove it',
  example: 'lago gc --expired --yes',
  args: [],
  options: [
    { name: 'expired', type: 'flag', help: 'also destroy environments that are wanted no longer (see `lago ttl`)' },
    { name: 'yes', short: 'y', type: 'flag', help: 'remove; without it, what would be removed is only shown' },
  ],
  async run(context) {
    const { args, task, config } = context
    const { findLeftovers, removeLeftovers } = await import('../../prefix/leftovers.js')
    return withHost(context, async (host) => {
      const expired = args.flag('expired') ? await expiredOnes(context, host) : []
      const leftovers = await findLeftovers(task, host)
      if (args.flag('yes')) {
        const failures = await endAll(context, host, expired)
        await removeLeftovers(task, host, leftovers).catch((error: unknown) => failures.push(error))
        if (failures.length > 0) throw joinFailures(failures)
      } else if (expired.length + leftovers.length > 0)
        task.log('info', `nothing has been removed: lago gc ${args.flag('expired') ? '--expired ' : ''}--yes does that`)
      return { output: outputOf(expired, leftovers, config.outFormat === 'default') }
    })
  },
}

async function expiredOnes({ task }: CommandContext, host: Host): Promise<readonly Environment[]> {
  const { listEnvironments } = await import('../../prefix/environments.js')
  const nowMs = Date.now()
  const over = (await listEnvironments(task, host)).filter(({ expiresAtMs }) => (expiresAtMs ?? Infinity) <= nowMs)
  // in a directory of another user's, files could be made to lead anywhere while they are deleted
  for (const { dir, owner } of over.filter(({ isOwn }) => !isOwn))
    task.log('warning', `${dir} is wanted no longer; it is ${owner}'s to end: lago gc --expired as ${owner}`)
  return over.filter(({ isOwn }) => isOwn)
}

/** One that a verb is at work on has its time: the next run finds it. */
async function endAll({ task }: CommandContext, host: Host, expired: readonly Environment[]): Promise<unknown[]> {
  const { removePrefixes } = await import('../../sdk/remove-prefixes.js')
  const { readExpiry } = await import('../../prefix/expiry.js')
  const failures: unknown[] = []
  for (const { dir } of expired) {
    if (((await readExpiry(prefixLayout(dir))) ?? Infinity) > Date.now()) continue // it was given more time meanwhile
    await task
      .step(`Destroying ${dir}, which is wanted no longer`, async (task) =>
        removePrefixes(task, async (work) => work(host), [dir], path.dirname(dir), { lockWaitMs: 0 }),
      )
      .catch((error: unknown) => {
        task.signal.throwIfAborted()
        if (isLagoError(error, 'LAGO_LOCKED')) task.log('warning', `${dir} stays for now: ${messageOf(error)}`)
        else failures.push(error)
      })
  }
  return failures
}

function outputOf(expired: readonly Environment[], leftovers: readonly Leftover[], isBrief: boolean): unknown {
  const found = [
    ...expired.map(({ uuid, dir }) => ({ kind: 'expired', name: dir, uuid, dir })),
    ...leftovers.map(({ kind, name, uuid, dir }) => ({ kind, name, uuid, dir: dir ?? null })),
  ]
  if (!isBrief) return found
  const kinds = [...new Set(found.map(({ kind }) => kind))]
  return Object.fromEntries(
    kinds.map((kind) => [kind, found.filter((one) => one.kind === kind).map(({ name, dir }) => line(name, dir))]),
  )
}

function line(name: string, dir: string | null): string {
  return dir === null || dir === name ? name : `${name} (of ${dir})`
}
