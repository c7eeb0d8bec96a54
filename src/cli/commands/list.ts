import path from 'node:path'
import type { CommandSpec } from '../command.js'

export const list: CommandSpec = {
  name: 'list',
  summary: 'List the prefixes of the workdir',
  example: 'lago list',
  args: [{ name: 'workdir-path', arity: 'optional', help: 'the workdir; default: the one found from here' }],
  options: [],
  async run({ config, cwd, args }) {
    const { findWorkdir } = await import('../../workdir/find.js')
    const given = args.one('workdir-path')
    const place = given === undefined ? config.place : { ...config.place, workdirPath: path.resolve(cwd, given) }
    return { output: (await findWorkdir(place, cwd)).prefixes }
  },
}
