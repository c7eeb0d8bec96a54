import path from 'node:path'
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
    { name: 'dst-dir', short: 'd', type: 'string', help: 'directory of the repository; default: the current one' },
    { name: 'repository-name', type: 'string', help: "name of a new repository; default: the directory's" },
    { name: 'compress', short: 'c', type: 'list', help: 'compress the images, with xz or zstd; default: with xz' },
    { name: 'force', type: 'flag', help: 'replace images of the same names in the directory' },
    STORE_OPTION,
  ],
  async run(context) {
    const { listStored } = await import('../../../store/stored.js')
    const { selectStored } = await import('../../../store/named.js')
    const { publishTemplates } = await import('../../../store/publish.js')
    const { task, args, cwd } = context
    const dir = path.resolve(cwd, args.one('dst-dir') ?? '.')
    const compress = await exportCompression(args, templatePublish)
    return withHost(context, async (host) => {
      const stored = selectStored(await listStored(host.store.dir), args.many('name'))
      const name = args.one('repository-name') ?? path.basename(dir)
      const repository = await publishTemplates(task, stored, { dir, name, compress, force: args.flag('force') })
      return { output: { repository, templates: stored.map(({ files }) => files.key) } }
    })
  },
}
