/** What the positionals of `init` mean, which differs between the eras; the rule stands in docs/ovirt.md, "Two eras". */
import { open } from 'node:fs/promises'
import path from 'node:path'
import { LagoError } from '../base/errors.js'
import type { NewPlace } from '../sdk/create-prefix.js'
import { isWorkdir } from '../workdir/workdir.js'
import type { CommandContext } from './command.js'

/**
 * One positional is the init file, two are workdir and init file (spec 1.4), where `--workdir-path` counts as well; in
 * era 0.x they are the prefix and the init file (spec 1.8). What was taken, and why, is told at debug level.
 * Throws `LAGO_USAGE` for era 0.x without both.
 */
export async function initPlaces(context: CommandContext): Promise<{ place: NewPlace; initFilePath: string }> {
  const { config, cwd, args, task } = context
  const [first, second] = [args.one('workdir'), args.one('virt-config')]
  const initFilePath = path.resolve(cwd, second ?? first ?? 'LagoInitFile')
  const reason = config.era === 'auto' ? await reasonFor1(context, first, second) : undefined
  const isOld = config.era === '0.x' || (config.era === 'auto' && reason === undefined)
  if (!isOld) {
    const workdir = path.resolve(cwd, (second === undefined ? config.place.workdirPath : first) ?? '.lago')
    task.log('debug', `era 1.x: ${workdir} is the workdir (${reason ?? configured(context)})`)
    const setCurrent = args.flag('set-current')
    return { place: { era: '1.x', workdir, prefixName: config.place.prefixName, setCurrent }, initFilePath }
  }
  if (first === undefined || second === undefined)
    throw new LagoError('LAGO_USAGE', 'in era 0.x init takes two words: the prefix and the init file', {
      hint: 'lagocli init PREFIX init.json, or LAGO_ERA=1.x',
    })
  const prefixDir = path.resolve(cwd, first)
  const why = config.era === '0.x' ? configured(context) : 'called as lagocli, with a new directory and JSON'
  task.log('debug', `era 0.x: ${prefixDir} is the prefix itself (${why})`)
  return { place: { era: '0.x', prefixDir }, initFilePath }
}

function configured({ config }: CommandContext): string {
  return `era = ${config.era}, ${config.originOf('era')}`
}

/** The first thing that speaks for era 1.x; undefined when nothing does. */
async function reasonFor1(
  { program, config, args, cwd }: CommandContext,
  first: string | undefined,
  second: string | undefined,
): Promise<string | undefined> {
  if (program !== 'lagocli') return `called as ${program}`
  if (first === undefined || second === undefined) return 'one word or none names the init file'
  if (config.place.workdirPath !== undefined) return 'there is a workdir_path'
  if (config.originOf('prefix_name') !== 'default') return 'there is a prefix_name'
  if (args.flag('set-current')) return '--set-current is for workdirs'
  if (await isWorkdir(path.resolve(cwd, first))) return 'it is one already'
  if (!(await isJson(path.resolve(cwd, second)))) return 'the init file is not JSON'
  return undefined
}

/** As 0.x read it: its first character that is no white space is `{`. False for a file that cannot be read. */
async function isJson(filePath: string): Promise<boolean> {
  try {
    await using file = await open(filePath, 'r')
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096)
    return /^\uFEFF?\s*\{/.test(buffer.toString('utf8', 0, bytesRead))
  } catch {
    return false
  }
}
