import path from 'node:path'
import type { CommandContext, CommandSpec } from '../command.js'
import { withHost } from './context.js'

export const destroy: CommandSpec = {
  name: 'destroy',
  summary: 'Stop the environment and delete its prefix, with all files',
  example: 'lago destroy --yes',
  args: [],
  options: [
    { name: 'all-prefixes', type: 'flag', help: 'every prefix of the workdir, and the workdir' },
    { name: 'yes', short: 'y', type: 'flag', help: 'do not ask' },
  ],
  async run(context) {
    const { config, cwd, args } = context
    const { findPrefix, findWorkdir } = await import('../../workdir/find.js')
    if (args.flag('all-prefixes')) {
      const { dir, prefixes } = await findWorkdir(config.place, cwd)
      if (!(await isWanted(context, `all the prefixes under ${dir}`))) return
      const dirs = prefixes.map((name) => path.join(dir, name))
      await destroyAll(context, await prefixesAmong(context, dirs), dir)
    } else if (!(await removedEmptyWorkdir(context))) {
      const { prefixDir, givenPath, workdir } = await findPrefix(config.place, cwd, { orCleaned: true })
      if (!(await isWanted(context, prefixDir))) return
      await destroyAll(context, [givenPath], workdir?.dir ?? path.dirname(prefixDir))
    }
  },
}

/** A workdir without a prefix is what a killed `init` or `destroy` leaves; then this is all that there is to do. */
async function removedEmptyWorkdir({ config, cwd, task }: CommandContext): Promise<boolean> {
  const { findBarePrefix, findWorkdir } = await import('../../workdir/find.js')
  const { tidyWorkdir } = await import('../../workdir/workdir.js')
  const isBare = async (): Promise<boolean> =>
    (await findBarePrefix(config.place, cwd, { orCleaned: true })) !== undefined
  if (config.place.prefixPath !== undefined || (await isBare())) return false
  const workdir = await findWorkdir(config.place, cwd).catch(() => undefined) // told by whoever needs one
  if (workdir === undefined || workdir.prefixes.length > 0) return false
  task.log('warning', `an init or a destroy was interrupted: ${workdir.dir} has no prefix, and is removed`)
  await tidyWorkdir(workdir.dir)
  return true
}

async function isWanted({ args, task, confirm }: CommandContext, what: string): Promise<boolean> {
  if (args.flag('yes') || (await confirm(`Do you really want to destroy ${what}? [Yn] `))) return true
  task.log('info', 'Aborting on user input')
  return false
}

/** Upstream takes every directory of a workdir for a prefix; what Lago has not made is left alone. */
async function prefixesAmong({ task }: CommandContext, dirs: readonly string[]): Promise<string[]> {
  const { looksLikePrefix } = await import('../../prefix/destroy.js')
  const { prefixLayout } = await import('../../prefix/layout.js')
  const found: string[] = []
  for (const dir of dirs)
    if (await looksLikePrefix(prefixLayout(dir))) found.push(dir)
    else task.log('warning', `${dir} is not a prefix; it stays`)
  return found
}

async function destroyAll(context: CommandContext, dirs: readonly string[], workdir: string): Promise<void> {
  const { removePrefixes } = await import('../../sdk/remove-prefixes.js')
  await removePrefixes(context.task, async (work) => withHost(context, work), dirs, workdir)
}
