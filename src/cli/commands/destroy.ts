import { lstat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { joinFailures } from '../../base/fan-out.js'
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
    } else {
      const { prefixDir, givenPath, workdir } = await findPrefix(config.place, cwd)
      if (!(await isWanted(context, prefixDir))) return
      await destroyAll(context, [givenPath], workdir?.dir ?? path.dirname(prefixDir))
    }
  },
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

/**
 * One that cannot be destroyed does not keep the others. A workdir or a prefix that was reached through a link loses
 * only the link (spec 2.1): what it leads to is stopped and stays.
 */
async function destroyAll(context: CommandContext, dirs: readonly string[], workdir: string): Promise<void> {
  const { destroyPrefix } = await import('../../prefix/destroy.js')
  const failures: unknown[] = []
  const workdirIsLink = await isLink(workdir)
  for (const dir of dirs)
    await withHost(context, async (host) => {
      const keepFiles = workdirIsLink || (await isLink(dir))
      await destroyPrefix(context.task, host, dir, { keepFiles })
      if (keepFiles && !workdirIsLink) await unlink(dir)
    }).catch((error: unknown) => {
      context.task.signal.throwIfAborted()
      failures.push(error)
    })
  if (failures.length > 0) throw joinFailures(failures)
  await (workdirIsLink ? unlink(workdir) : tidyWorkdir(workdir))
}

async function isLink(dir: string): Promise<boolean> {
  return (await lstat(dir)).isSymbolicLink()
}

/** The last prefix takes its workdir along; otherwise `current` is pointed at one that is left. */
async function tidyWorkdir(dir: string): Promise<void> {
  const { isWorkdir, readWorkdir, removeIfEmpty, setCurrent, withExistingCurrent } =
    await import('../../workdir/workdir.js')
  if (!(await isWorkdir(dir))) return
  const workdir = await readWorkdir(dir)
  const { current } = withExistingCurrent(workdir)
  if (current === undefined) await removeIfEmpty(dir)
  else if (current !== workdir.current) await setCurrent(workdir, current)
}
