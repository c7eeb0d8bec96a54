import type { CommandSpec } from '../../command.js'

export const templateRepoAdd: CommandSpec = {
  name: 'template-repo add',
  summary: 'Clone a git repository of templates into the directory that template_repos names',
  example: 'lago template-repo add https://example.org/templates.git',
  args: [{ name: 'url', arity: 'one', help: 'what git can clone' }],
  options: [],
  async run({ task, config, args }) {
    const { cloneRepository } = await import('../../../store/cloned-repositories.js')
    await cloneRepository(task, config.store.reposDir, args.one('url') ?? '')
  },
}
