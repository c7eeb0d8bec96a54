import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { isLagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { HostFacts, LeftoverFacts } from '../../doctor/facts.js'
import type { EnvNeeds, NeedsOptions } from '../../doctor/needs.js'
import type { CheckResult, Outcome } from '../../doctor/types.js'
import { prefixLayout } from '../../prefix/layout.js'
import type { Prefix } from '../../prefix/prefix.js'
import type { DomainSpec } from '../../spec/types.js'
import type { CommandContext, CommandOutcome, CommandSpec } from '../command.js'

export const doctor: CommandSpec = {
  name: 'doctor',
  summary: 'Check whether this host is ready, and say what mends it',
  example: 'lago doctor LagoInitFile',
  args: [
    {
      name: 'init-file',
      complete: 'file',
      arity: 'optional',
      help: 'init file whose needs are checked; default: those of the environment here, or of ./LagoInitFile',
    },
  ],
  options: [
    { name: 'fix', type: 'flag', help: 'run the commands that are safe to run, and look again' },
    { name: 'json', type: 'flag', help: 'the same as --out-format json' },
  ],
  async run(context) {
    const { openRealFacts } = await import('../../doctor/real-facts.js')
    const { examine, worstOf } = await import('../../doctor/doctor.js')
    const { CHECKS } = await import('../../doctor/checks.js')
    const { task, config, args, cwd } = context
    const { openHost } = await import('../../prefix/host.js')
    const { findLeftovers } = await import('../../prefix/leftovers.js')
    await using host = openHost(config, { ...context, closeLimitMs: CLOSE_LIMIT_MS })
    const leftovers = async (task: Task): Promise<readonly LeftoverFacts[]> => findLeftovers(task, host)
    await using facts = openRealFacts(config, { ...context, leftovers })
    const { needs, dirs } = await inQuestion(context, facts)
    const subject = { facts, needs, dirs: dirs.length > 0 ? dirs : [cwd] }
    const results = await examine(task, CHECKS, subject, { fix: args.flag('fix') })
    return { ...(await shown(context, results)), exitCode: EXIT_CODES[worstOf(results)] }
  },
}

/** Nothing that is asked here has to be taken back. */
const CLOSE_LIMIT_MS = 200

const EXIT_CODES: Readonly<Record<Outcome, number>> = { ok: 0, warning: 1, failed: 2 }

async function shown({ args, config }: CommandContext, results: readonly CheckResult[]): Promise<CommandOutcome> {
  const { reportData, reportTable } = await import('../../doctor/report.js')
  if (args.flag('json')) {
    const { formatJson } = await import('../output/json.js')
    return { text: `${formatJson(reportData(results))}\n` }
  }
  return config.outFormat === 'default' ? { text: reportTable(results) } : { output: reportData(results) }
}

interface InQuestion {
  readonly needs: EnvNeeds | undefined
  /** Where its disks are. */
  readonly dirs: readonly string[]
}

/** The init file that is named, else the environment that a verb would work on here, else the init file that lies here. */
async function inQuestion(context: CommandContext, facts: HostFacts): Promise<InQuestion> {
  const { args, config, cwd } = context
  const given = args.one('init-file')
  if (given !== undefined) return ofInitFile(context, path.resolve(cwd, given))
  const prefix = await prefixHere(context)
  if (prefix !== undefined) return ofPrefix(context, facts, prefix)
  const lying = path.join(cwd, 'LagoInitFile')
  return config.place.workdirPath === undefined && (await pathExists(lying))
    ? ofInitFile(context, lying)
    : { needs: undefined, dirs: [] }
}

async function ofInitFile({ config, cwd }: CommandContext, filePath: string): Promise<InQuestion> {
  const { readInitFile } = await import('../../spec/load.js')
  const { needsOfSpec } = await import('../../doctor/needs.js')
  const { spec } = await readInitFile(filePath)
  const imagesDir = path.resolve(cwd, config.place.workdirPath ?? '.lago')
  const needs = needsOfSpec(spec, { source: `the init file ${filePath}`, imagesDir, isLocal: localBy(config) })
  return { needs, dirs: [imagesDir] }
}

/** Without one, and with one that is damaged, there is still a host to look at. */
async function prefixHere({ task, config, cwd }: CommandContext): Promise<Prefix | undefined> {
  const { findPrefix } = await import('../../workdir/find.js')
  const { openPrefix } = await import('../../prefix/prefix.js')
  try {
    return await openPrefix((await findPrefix(config.place, cwd)).prefixDir)
  } catch (error) {
    if (isLagoError(error, 'LAGO_NO_WORKDIR') || isLagoError(error, 'LAGO_NO_PREFIX')) return undefined
    if (!isLagoError(error, 'LAGO_PREFIX_CORRUPT')) throw error
    task.log('warning', error.message)
    return undefined
  }
}

async function ofPrefix({ task, config }: CommandContext, facts: HostFacts, prefix: Prefix): Promise<InQuestion> {
  const { needsOfVms } = await import('../../doctor/needs.js')
  const { plan, dir } = prefix
  const up = await facts.domains(task).catch((error: unknown) => {
    if (isLagoError(error) && error.code !== 'LAGO_CANCELLED') return new Set<string>()
    throw error
  })
  const down = [...plan.vms.values()].filter(({ libvirtName }) => !up.has(libvirtName))
  const options: NeedsOptions = {
    source: `the environment in ${dir}`,
    imagesDir: prefixLayout(dir).images,
    isLocal: localBy(config),
  }
  return { needs: await needsOfVms(down, options), dirs: [path.dirname(dir)] } // what is in it is opened by start
}

function localBy({ vm }: CommandContext['config']): (spec: DomainSpec) => boolean {
  return ({ provider }) => (provider ?? vm.defaultProvider) === 'local-libvirt'
}
