import type { CommandSpec } from '../command.js'

export const setCurrent: CommandSpec = {
  name: 'set-current',
  summary: 'Choose the prefix that verbs work on when none is named',
  example: 'lago set-current default',
  args: [{ name: 'prefix-name', arity: 'one', complete: 'prefix', help: 'a prefix of the workdir' }],
  options: [],
  async run({ task, config, cwd, args }) {
    const { findWorkdir } = await import('../../workdir/find.js')
    const workdirs = await import('../../workdir/workdir.js')
    const name = args.one('prefix-name') ?? ''
    await workdirs.setCurrent(await findWorkdir(config.place, cwd), name)
    task.log('info', `current prefix is now ${name}`)
  },
}
