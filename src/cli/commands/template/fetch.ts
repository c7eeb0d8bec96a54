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
    const { parseTemplateName } = await import('../../../store/template-name.js')
    const { openTemplates, requireRepository } = await import('../../../store/templates.js')
    const { fanOut } = await import('../../../base/fan-out.js')
    return withHost(context, async (host) => {
      const templates = await openTemplates(context.task, host.store.dir, host.templateOptions(context.env))
      const names = context.args.many('name')
      const wanted = names.length > 0 ? names : requireRepository(templates.repository).templates
      const versions = wanted.map((name) => {
        const { template, version } = parseTemplateName(name)
        return templates.find(template, version)
      })
      const stored = await fanOut(context.task, versions, async (version, task) => host.store.ensure(task, version))
      return { output: Object.fromEntries(stored.map(({ ref, path }) => [`${ref.name}:${ref.version}`, path])) }
    })
  },
}
