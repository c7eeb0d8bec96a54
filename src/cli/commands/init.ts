import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { prefixLayout } from '../../prefix/layout.js'
import type { Task } from '../../base/task.js'
import type { Host } from '../../prefix/host.js'
import type { PathContext } from '../../prefix/named-files.js'
import { formatIssue } from '../../spec/invalid.js'
import type { EnvSpec } from '../../spec/types.js'
import type { CommandContext, CommandSpec } from '../command.js'
import { withHost } from './context.js'

export const init: CommandSpec = {
  name: 'init',
  summary: 'Create an environment from an init file',
  example: 'lago init --template-repo-path template-repo.json LagoInitFile',
  args: [
    { name: 'workdir', arity: 'optional', help: 'where to create it; default: .lago' },
    { name: 'virt-config', arity: 'optional', help: 'the init file; default: LagoInitFile' },
  ],
  options: [
    { name: 'template-repo-path', type: 'string', help: 'template repository file' },
    { name: 'template-repo-name', type: 'string', help: 'name of a repository below --template-repos' },
    { name: 'template-store', type: 'string', help: 'directory that keeps fetched templates' },
    { name: 'template-repos', type: 'string', help: 'directory with template repository files' },
    { name: 'set-current', type: 'flag', help: 'make the new prefix the current one' },
    { name: 'skip-bootstrap', type: 'flag', help: 'put no key and no host name into the guests' },
    { name: 'skip-build', type: 'flag', help: "do not run the disks' build steps" },
  ],
  async run(context) {
    const { task, config, args, cwd } = context
    const { UndoStack } = await import('../../base/undo.js')
    const { initPrefix } = await import('../../prefix/init.js')
    const workdirs = await import('../../workdir/workdir.js')
    const { workdirPath, initFilePath } = initPlaces(context)
    const name = config.place.prefixName === workdirs.CURRENT ? workdirs.DEFAULT_PREFIX : config.place.prefixName
    const vars = { ...context.env, LAGO_INITFILE_PATH: path.dirname(initFilePath) }

    await withHost(context, async (host) => {
      const given = { vars, cwd, prefixDir: workdirs.newPrefixDir(workdirPath, name) }
      const spec = await readSpec(task, host, initFilePath, given)
      await using undo = new UndoStack(task)
      await workdirs.ensureWorkdir(workdirPath, name, undo)
      const workdir = await realpath(workdirPath) // leases and disks name real paths, as destroy will
      const prefixDir = workdirs.newPrefixDir(workdir, name)
      await initPrefix(task, host, { ...given, prefixDir, spec, bootstrap: !args.flag('skip-bootstrap') })
      undo.commit()
      context.logTo(prefixLayout(prefixDir).log) // now that there is a place for it
      await workdirs.linkCurrentIfUnset(workdir, name)
      if (args.flag('set-current')) await workdirs.setCurrent(await workdirs.readWorkdir(workdir), name)
    })
  },
}

/** Everything that is wrong is told here, before anything is made. */
async function readSpec(task: Task, host: Host, filePath: string, paths: PathContext): Promise<EnvSpec> {
  const { readInitFile } = await import('../../spec/load.js')
  const { fileProblem, pathExpander } = await import('../../prefix/named-files.js')
  const expand = pathExpander(paths)
  const { spec, warnings } = await readInitFile(filePath, {
    vmTypes: host.vmTypes.names(),
    providers: host.providers.names(),
    fileProblem: async (rawPath) => fileProblem(expand(rawPath)),
  })
  for (const warning of warnings) task.log('warning', formatIssue(filePath, warning))
  return spec
}

/** One positional is the init file, two are workdir and init file (spec 1.4); `--workdir-path` counts as well. */
function initPlaces({ config, cwd, args }: CommandContext): { workdirPath: string; initFilePath: string } {
  const [first, second] = [args.one('workdir'), args.one('virt-config')]
  const workdir = second === undefined ? config.place.workdirPath : first
  const initFile = second ?? first
  return {
    workdirPath: path.resolve(cwd, workdir ?? '.lago'),
    initFilePath: path.resolve(cwd, initFile ?? 'LagoInitFile'),
  }
}
