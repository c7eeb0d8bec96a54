import { verifyTree } from '../verify.js'
import { absolute, type Command } from './command.js'

export const verify: Command = (parser, { task, print }) =>
  parser.command(
    'verify <tree>',
    'Check all files, lists and signatures of the tree; ends with 1 when something is wrong',
    (yargs) =>
      yargs.positional('tree', { type: 'string', demandOption: true, describe: 'its directory' }).option('format', {
        alias: 'f',
        choices: ['text', 'json'] as const,
        default: 'text',
        describe: 'of the answer',
      }),
    async ({ tree, format }) => {
      const findings = await verifyTree(task, absolute(tree))
      const lines = findings.map(({ problem }) => `${problem}\n`)
      await print(format === 'json' ? `${JSON.stringify(findings, undefined, 2)}\n` : lines.join(''))
      if (findings.length > 0) process.exitCode = 1
      else task.log('info', 'all is as it should be')
    },
  )
