import type { CommandSpec } from '../../command.js'
import { withHost } from '../context.js'
import { STORE_OPTION } from './options.js'

export const templateVerify: CommandSpec = {
  name: 'template verify',
  summary: 'Compare the images in the store with what they were when they were put there',
  example: 'lago template verify',
  args: [{ name: 'name', arity: 'many', help: 'NAME, NAME:VERSION or REPOSITORY:NAME:VERSION; default: all' }],
  options: [STORE_OPTION],
  async run(context) {
    const { verifyNamed } = await import('../../../sdk/template-verbs.js')
    const { task, args } = context
    return withHost(context, async (host) => {
      const verdicts = await verifyNamed(task, { ...context, host }, args.many('name'))
      for (const [key, verdict] of verdicts) {
        if (verdict === 'damaged')
          task.log('error', `template ${key} is damaged; lago template prune ${key}, then ${wayBack(key)}`)
        if (verdict === 'unknown')
          task.log('warning', `template ${key} was put there by another program, without a hash of it`)
      }
      const isDamaged = [...verdicts.values()].includes('damaged')
      return { output: Object.fromEntries(verdicts), exitCode: isDamaged ? 2 : 0 }
    })
  },
}

function wayBack(key: string): string {
  return key.startsWith('imported:') ? 'import it anew' : 'it is fetched again'
}
