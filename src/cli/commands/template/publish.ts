import { exportCompression } from '../compression.js'
import type { CommandSpec } from '../../command.js'
import { withHost } from '../context.js'
import { STORE_OPTION } from './options.js'

export const templatePublish: CommandSpec = {
  name: 'template publish',
  summary: 'Write templates of the store as a repository that a web server can serve',
  example: 'lago template publish mini --dst-dir /srv/templates',
  args: [{ name: 'name', arity: 'many', help: 'NAME, NAME:VERSION or REPOSITORY:NAME:VERSION; default: all' }],
  options: [
    {
      name: 'dst-dir',
      short: 'd',
      type: 'string',
      complete: 'directory',
      help: 'directory of the repository; default: the current one',
    },
    { name: 'repository-name', type: 'string', help: "name of a new repository; default: the directory's" },
    {
      name: 'compress',
      short: 'c',
      type: 'list',
      complete: ['xz', 'zstd'],
      help: 'compress the images, with xz or zstd; default: with xz',
    },
    { name: 'force', type: 'flag', help: 'replace images of the same names in the directory' },
    STORE_OPTION,
  ],
  async run(context) {
    const { publishNamed } = await import('../../../sdk/template-verbs.js')
    const { task, args } = context
    const request = {
      dir: args.one('dst-dir') ?? '.',
      names: args.many('name'),
      repositoryName: args.one('repository-name'),
      compress: await exportCompression(args, templatePublish),
      force: args.flag('force'),
    }
    return withHost(context, async (host) => {
      return { output: await publishNamed(task, { ...context, host }, request) }
    })
  },
}
