import type { CommandSpec } from '../command.js'
import { changePrefix } from './context.js'

export const cleanup: CommandSpec = {
  name: 'cleanup',
  summary: 'Stop everything and take the mark of an initialized prefix away; files stay',
  example: 'lago cleanup',
  args: [],
  options: [],
  async run(context) {
    const { cleanupPrefix } = await import('../../prefix/stop.js')
    await changePrefix(context, { verb: 'cleanup' }, async (host, prefix) => cleanupPrefix(context.task, host, prefix))
  },
}
