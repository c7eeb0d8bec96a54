import type { CommandSpec } from '../../../index.js'
import { withEnv } from '../with-env.js'

export const deploy: CommandSpec = {
  name: 'ovirt deploy',
  summary: 'Run the deploy scripts while the internal repository is served',
  example: 'lago ovirt deploy',
  args: [],
  options: [],
  async run(context) {
    const { withRepoServer } = await import('../repo-server.js')
    const { waitAsBefore } = await import('../wait-as-before.js')
    await withEnv(context, async (env) =>
      context.task.step('Deploy oVirt environment', async (task) =>
        withRepoServer(task, env, async () => {
          await waitAsBefore(env)
          await env.deploy()
        }),
      ),
    )
  },
}
