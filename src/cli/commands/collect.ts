import path from 'node:path'
import type { CommandSpec } from '../command.js'
import { readPrefix, withHost } from './context.js'

const DEFAULT_TIMEOUT_S = 300

export const collect: CommandSpec = {
  name: 'collect',
  summary: 'Fetch the artifacts of all VMs, out of the disk where a VM does not run',
  example: 'lago collect --output collected',
  args: [],
  options: [
    {
      name: 'output',
      type: 'string',
      complete: 'directory',
      help: 'directory to write to; that of an earlier collect is renamed (required)',
    },
    { name: 'no-skip', type: 'flag', help: 'fail when an artifact is not there' },
    { name: 'timeout', type: 'int', help: `seconds for each VM; default ${DEFAULT_TIMEOUT_S}` },
  ],
  async run(context) {
    const { LagoError } = await import('../../base/errors.js')
    const { collectArtifacts } = await import('../../prefix/collect.js')
    const { task, args, cwd } = context
    const output = args.one('output')
    if (output === undefined || output === '')
      throw new LagoError('LAGO_USAGE', 'collect needs a directory to write to', { hint: 'lago collect --output DIR' })
    await withHost(context, async (host) => {
      host.warmUp()
      const { prefix } = await readPrefix(context)
      context.logTo(prefix.layout.log)
      await collectArtifacts(task, host, prefix, {
        outputDir: path.resolve(cwd, output),
        failOnMissing: args.flag('no-skip'),
        vmTimeoutMs: (args.int('timeout') ?? DEFAULT_TIMEOUT_S) * 1000,
      })
    })
  },
}
