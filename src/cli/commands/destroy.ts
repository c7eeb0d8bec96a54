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
    const { task, config, cwd, args } = context
    const { findPrefix, findWorkdir } = await import('../../workdir/find.js')
    const { removeIfEmpty } = await import('../../workdir/workdir.js')
    if (args.flag('all-prefixes')) {
      const workdir = await findWorkdir(task, config.place, cwd)
      if (!(await isWanted(context, `all the prefixes under ${workdir.dir}`))) return
      for (const name of workdir.prefixes) await destroyOne(context, path.join(workdir.dir, name))
      await removeIfEmpty(workdir.dir)
    } else {
      const place = await findPrefix(task, config.place, cwd)
      if (!(await isWanted(context, place.prefixDir))) return
      await destroyOne(context, place.givenPath)
      await tidyWorkdir(context, place.workdir?.dir ?? path.dirname(place.prefixDir))
    }
  },
}

async function isWanted({ args, task, confirm }: CommandContext, what: string): Promise<boolean> {
  if (args.flag('yes') || (await confirm(`Do you really want to destroy ${what}? [Yn] `))) return true
  task.log('info', 'Aborting on user input')
  return false
}

async function destroyOne(context: CommandContext, givenPath: string): Promise<void> {
  const { destroyPrefix } = await import('../../prefix/destroy.js')
  await withHost(context, async (host) => destroyPrefix(context.task, host, givenPath))
}

/** The last prefix takes its workdir along; otherwise `current` is pointed at one that is left. */
async function tidyWorkdir({ task }: CommandContext, dir: string): Promise<void> {
  const { isWorkdir, readWorkdir, removeIfEmpty, repairCurrent } = await import('../../workdir/workdir.js')
  if (!(await isWorkdir(dir))) return
  const workdir = await readWorkdir(dir)
  if (workdir.prefixes.length === 0) await removeIfEmpty(dir)
  else await repairCurrent(task, workdir)
}
