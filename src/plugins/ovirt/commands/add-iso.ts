import path from 'node:path'
import { LagoError } from '../../../base/errors.js'
import type { CommandSpec } from '../../../index.js'
import { withEnv } from '../with-env.js'

export const addIso: CommandSpec = {
  name: 'ovirt add-iso',
  summary: "Upload an ISO image to the engine's domain of images",
  example: 'lago ovirt add-iso cirros.iso',
  args: [{ name: 'path', arity: 'one', complete: 'file', help: 'the image on this host' }],
  options: [],
  async run(context) {
    const { task, args, cwd } = context
    const given = args.one('path') ?? ''
    if (given === '') throw new LagoError('LAGO_USAGE', 'add-iso needs an image', { hint: 'lago ovirt add-iso FILE' })
    const { addIso: upload } = await import('../engine-setup.js')
    await withEnv(context, async (env) => upload(task, env, path.resolve(cwd, given)))
  },
}
