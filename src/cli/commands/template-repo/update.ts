import type { CommandSpec } from '../../command.js'

export const templateRepoUpdate: CommandSpec = {
  name: 'template-repo update',
  summary: 'Bring the cloned template repositories to what their servers have',
  example: 'lago template-repo update',
  args: [],
  options: [],
  async run({ task, config }) {
    const { updateClones } = await import('../../../store/cloned-repositories.js')
    const { reposDir } = config.store
    if ((await updateClones(task, reposDir)).length === 0)
      task.log('warning', `there is no clone in ${reposDir}: lago template-repo add URL makes one`)
  },
}
