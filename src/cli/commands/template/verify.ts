import type { CommandSpec } from '../../command.js'
import { withHost } from '../context.js'
import { STORE_OPTION } from './options.js'

export const templateVerify: CommandSpec = {
  name: 'template verify',
  summary: 'Compare the images in the store with what they were when they were put there',
  example: 'lago template verify',
  args: [{ name: 'name', arity: 'many', help: 'NAME, NAME:VERSION or REPOSITORY:NAME:VERSION; default: all' }],
  options: [STORE_OPTION],
  async run({ task, args, ...context }) {
    const { listStored } = await import('../../../store/stored.js')
    const { selectStored } = await import('../../../store/named.js')
    const { verifyStored } = await import('../../../store/verify.js')
    return withHost({ task, args, ...context }, async (host) => {
      const stored = selectStored(await listStored(host.store.dir), args.many('name'))
      const verdicts = await verifyStored(task, stored)
      for (const [key, verdict] of verdicts) {
        if (verdict === 'damaged')
          task.log('error', `template ${key} is damaged; lago template prune ${key}, and it is fetched again`)
        if (verdict === 'unknown')
          task.log('warning', `template ${key} was put there by another program, without a hash of it`)
      }
      const isDamaged = [...verdicts.values()].includes('damaged')
      return { output: Object.fromEntries(verdicts), exitCode: isDamaged ? 2 : 0 }
    })
  },
}
