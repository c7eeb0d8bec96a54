import type { CommandSpec } from '../../command.js'
import { withHost } from '../context.js'
import { REPOSITORY_OPTIONS, STORE_OPTION } from './options.js'

export const templateFetch: CommandSpec = {
  name: 'template fetch',
  summary: 'Put templates into the store ahead of the first environment that needs them',
  example: 'lago template fetch mini',
  args: [{ name: 'name', arity: 'many', help: 'NAME, or NAME:VERSION; default: the latest of every template' }],
  options: [...REPOSITORY_OPTIONS, STORE_OPTION],
  async run(context) {
    const { fetchNamed } = await import('../../../sdk/template-verbs.js')
    return withHost(context, async (host) => {
      const stored = await fetchNamed(context.task, { ...context, host }, context.args.many('name'))
      return { output: Object.fromEntries(stored.map(({ ref, path }) => [`${ref.name}:${ref.version}`, path])) }
    })
  },
}
