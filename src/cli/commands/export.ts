import path from 'node:path'
import type { CommandContext, CommandSpec } from '../command.js'
import { exportCompression } from './compression.js'
import { changePrefix } from './context.js'

export const exportVerb: CommandSpec = {
  name: 'export',
  summary: 'Write the disks of VMs that are off, and an init file that makes the environment anew',
  example: 'lago export --standalone --dst-dir /tmp/exported',
  args: [],
  options: [
    { name: 'vm-names', short: 'n', type: 'list', complete: 'vm', help: 'VMs to export; default: all' },
    {
      name: 'standalone',
      short: 's',
      type: 'flag',
      help: 'merge disks with the templates that they are laid over, so that they need no other files',
    },
    {
      name: 'compress',
      short: 'c',
      type: 'list',
      complete: ['xz', 'zstd'],
      help: 'compress the images, with xz or zstd; default: with xz',
    },
    {
      name: 'dst-dir',
      short: 'd',
      type: 'string',
      complete: 'directory',
      help: 'directory to write to; default: the current one',
    },
    { name: 'init-file-name', type: 'string', help: 'name of the init file; default: LagoInitFile' },
    { name: 'collect-only', type: 'flag', help: 'write nothing, print which images would be exported' },
    { name: 'without-threads', type: 'flag', help: 'export one disk after the other' },
    { name: 'force', type: 'flag', help: 'replace files of the same names in the directory' },
  ],
  async run(context) {
    const { args, config } = context
    const compress = await exportCompression(args, exportVerb)
    const collectOnly = args.flag('collect-only')
    const { exportPrefix } = await import('../../prefix/export.js')
    const exported = await changePrefix(
      context,
      { verb: 'export', vms: args.list('vm-names') ?? [] },
      async (host, prefix) =>
        exportPrefix(context.task, host, prefix, {
          names: args.list('vm-names') ?? [],
          standalone: args.flag('standalone'),
          compress,
          dstDir: await destinationOf(context),
          initFileName: args.one('init-file-name') ?? 'LagoInitFile',
          format: config.outFormat === 'json' ? 'json' : 'yaml',
          collectOnly,
          jobs: args.flag('without-threads') ? 1 : config.vm.jobs,
          force: args.flag('force'),
        }),
    )
    return collectOnly ? { output: exported.vms } : {}
  },
}

/** Variables are expanded, also where no shell has done it: in a configuration file. */
async function destinationOf({ args, cwd, env }: CommandContext): Promise<string> {
  const { expandVars } = await import('../../base/expand-vars.js')
  return path.resolve(cwd, expandVars(args.one('dst-dir') ?? '.', env))
}
