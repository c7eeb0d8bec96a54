import path from 'node:path'
import { formatTimeSpan } from '../../base/time-span.js'
import type { Environment } from '../../prefix/environments.js'
import type { CommandSpec } from '../command.js'
import { withHost } from './context.js'

export const list: CommandSpec = {
  name: 'list',
  summary: 'List the prefixes of the workdir, or every environment of this host',
  example: 'lago list --all',
  args: [
    {
      name: 'workdir-path',
      arity: 'optional',
      complete: 'directory',
      help: 'the workdir; default: the one found from here',
    },
  ],
  options: [
    { name: 'all', type: 'flag', help: 'every environment of this host: state, age, owner, memory, disk, end' },
  ],
  async run(context) {
    const { config, cwd, args, task } = context
    if (args.flag('all')) {
      const { listEnvironments } = await import('../../prefix/environments.js')
      const found = await withHost(context, async (host) => listEnvironments(task, host))
      if (config.outFormat !== 'default') return { output: found.map(facts) }
      return { output: Object.fromEntries(found.map((environment) => [environment.dir, briefly(environment)])) }
    }
    const { findWorkdir } = await import('../../workdir/find.js')
    const given = args.one('workdir-path')
    const place = given === undefined ? config.place : { ...config.place, workdirPath: path.resolve(cwd, given) }
    return { output: (await findWorkdir(place, cwd)).prefixes }
  },
}

function facts(environment: Environment): Readonly<Record<string, unknown>> {
  return {
    path: environment.dir,
    uuid: environment.uuid,
    state: environment.state,
    owner: environment.owner,
    created_at: environment.createdAtMs === undefined ? null : new Date(environment.createdAtMs).toISOString(),
    expires_at: environment.expiresAtMs === undefined ? null : new Date(environment.expiresAtMs).toISOString(),
    vms: environment.vmCount ?? null,
    running_vms: environment.runningCount,
    memory_mib: environment.memoryMiB,
    disk_use_bytes: environment.diskBytes,
  }
}

function briefly(environment: Environment): string {
  const { state, vmCount, runningCount, memoryMiB, diskBytes, owner, createdAtMs, expiresAtMs } = environment
  return [
    state,
    ...(vmCount === undefined ? [] : [`${runningCount} of ${vmCount} VMs`]),
    ...(memoryMiB === 0 ? [] : [`${memoryMiB} MiB memory`]),
    ...(state === 'private' ? [] : [`${(diskBytes / 1024 ** 2).toFixed(1)} MiB disk`]),
    ...(createdAtMs === undefined ? [] : [`${formatTimeSpan(Date.now() - createdAtMs)} old`]),
    `of ${owner}`,
    ...(expiresAtMs === undefined ? [] : [ending(expiresAtMs)]),
  ].join(', ')
}

function ending(expiresAtMs: number): string {
  const leftMs = expiresAtMs - Date.now()
  return leftMs > 0 ? `wanted for ${formatTimeSpan(leftMs)}` : `expired ${formatTimeSpan(-leftMs)} ago`
}
