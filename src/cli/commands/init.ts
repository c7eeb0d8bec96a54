import { prefixLayout } from '../../prefix/layout.js'
import type { CommandSpec } from '../command.js'
import { withHost } from './context.js'
import { TTL_OPTION, ttlOf } from './ttl.js'
import { REPOSITORY_OPTIONS, STORE_OPTION } from './template/options.js'

export const init: CommandSpec = {
  name: 'init',
  summary: 'Create an environment from an init file',
  example: 'lago init --template-repo-path template-repo.json LagoInitFile',
  args: [
    {
      name: 'workdir',
      arity: 'optional',
      complete: 'directory',
      help: 'where to create it; default: .lago; called as lagocli, see docs/ovirt.md',
    },
    { name: 'virt-config', arity: 'optional', complete: 'file', help: 'the init file; default: LagoInitFile' },
  ],
  options: [
    ...REPOSITORY_OPTIONS,
    STORE_OPTION,
    { name: 'set-current', type: 'flag', help: 'make the new prefix the current one' },
    { name: 'skip-bootstrap', type: 'flag', help: 'put no key and no host name into the guests' },
    { name: 'skip-build', type: 'flag', help: "do not run the disks' build steps" },
    TTL_OPTION,
  ],
  async run(context) {
    const { createPrefix } = await import('../../sdk/create-prefix.js')
    const { task, args, cwd, env } = context
    const { initPlaces } = await import('../init-places.js')
    const { place, initFilePath } = await initPlaces(context)
    const ttlMs = await ttlOf(args)
    await withHost(context, async (host) => {
      host.warmUp() // its networks are looked at before a subnet is chosen
      const prefixDir = await createPrefix(task, host, {
        source: { path: initFilePath },
        place,
        cwd,
        env,
        bootstrap: !args.flag('skip-bootstrap'),
        build: !args.flag('skip-build'),
        ttlMs,
      })
      context.logTo(prefixLayout(prefixDir).log) // now that there is a place for it
    })
  },
}
