import type { CommandSpec } from '../../../index.js'
import { withEnv } from '../with-env.js'

export const serve: CommandSpec = {
  name: 'ovirt serve',
  summary: 'Serve the internal repository to the guests until Ctrl-C',
  example: 'lago ovirt serve',
  args: [],
  options: [],
  async run(context) {
    const { untilInterrupted } = await import('../until-interrupted.js')
    const { withRepoServer } = await import('../repo-server.js')
    const { task } = context
    await withEnv(context, async (env) =>
      withRepoServer(
        task,
        env,
        async (urls) => {
          task.log('info', `Running repo server... ${urls.join(' ')}`)
          await untilInterrupted(task)
        },
        { mayShare: false },
      ),
    )
  },
}
