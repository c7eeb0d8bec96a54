import type { CommandSpec } from '../../../index.js'
import { withEnv } from '../with-env.js'

export const engineSetup: CommandSpec = {
  name: 'ovirt engine-setup',
  summary: 'Run engine-setup in the engine, on this terminal',
  example: 'lago ovirt engine-setup --config engine-answer-file.conf',
  args: [],
  options: [
    { name: 'config', type: 'string', complete: 'file', help: 'file with answers; without it engine-setup asks' },
  ],
  async run(context) {
    const { setupEngine } = await import('../engine-setup.js')
    const { args, isTerminal } = context
    await withEnv(context, async (env) => setupEngine(env, { configPath: args.one('config') || undefined, isTerminal }))
  },
}
