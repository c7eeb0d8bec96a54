import { LagoError } from '../../base/errors.js'
import type { CommandSpec } from '../command.js'

const SHELLS = ['bash', 'zsh', 'fish'] as const

export const completion: CommandSpec = {
  name: 'completion',
  summary: 'Print what makes a shell complete the words of a command line',
  example: 'source <(lago completion bash)',
  args: [{ name: 'shell', arity: 'one', help: 'which one: bash, zsh or fish', complete: SHELLS }],
  options: [],
  async run({ args, commandLine }) {
    const { completionScript } = await import('../completion/script.js')
    const shell = SHELLS.find((known) => known === args.one('shell'))
    if (shell === undefined)
      throw new LagoError('LAGO_USAGE', `completion: no shell "${args.one('shell') ?? ''}" is known`, {
        hint: `one of ${SHELLS.join(', ')}`,
      })
    if (commandLine === undefined) throw new Error('unreachable: the program describes its command line')
    return { text: await completionScript(shell, commandLine) }
  },
}
