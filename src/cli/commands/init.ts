import path from 'node:path'
import { formatIssue } from '../../spec/invalid.js'
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
    const { task, config, cwd, args } = context
    const { UndoStack } = await import('../../base/undo.js')
    const { readInitFile } = await import('../../spec/load.js')
    const { initPrefix } = await import('../../prefix/init.js')
    const workdirs = await import('../../workdir/workdir.js')
    const places = initPlaces(context)
    const { spec, warnings } = await readInitFile(places.initFilePath)
    for (const warning of warnings) task.log('warning', formatIssue(places.initFilePath, warning))
    const name = config.place.prefixName === workdirs.CURRENT ? workdirs.DEFAULT_PREFIX : config.place.prefixName
    const prefixDir = workdirs.newPrefixDir(places.workdirPath, name)

    await using undo = new UndoStack(task)
    await workdirs.ensureWorkdir(places.workdirPath, name, undo)
    const vars = { ...context.env, LAGO_INITFILE_PATH: path.dirname(places.initFilePath) }
    const bootstrap = !args.flag('skip-bootstrap')
    await withHost(context, async (host) => initPrefix(task, host, { prefixDir, spec, vars, cwd, bootstrap }))
    undo.commit()
    if (args.flag('set-current')) await workdirs.setCurrent(await workdirs.readWorkdir(places.workdirPath), name)
  },
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
