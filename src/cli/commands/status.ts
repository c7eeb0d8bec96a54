import type { CommandSpec } from '../command.js'
import { readPrefix, withHost } from './context.js'

export const status: CommandSpec = {
  name: 'status',
  summary: 'Show the nets and VMs of the environment and their states',
  example: 'lago --out-format json status',
  args: [],
  options: [],
  async run(context) {
    return withHost(context, async (host) => {
      host.warmUp()
      const { prefixStatus } = await import('../../prefix/status.js')
      const { prefix } = await readPrefix(context)
      return { output: await prefixStatus(context.task, host, prefix) }
    })
  },
}
