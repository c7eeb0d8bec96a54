import { confirm } from '../../../src/cli/confirm.js'
import { planPrune, pruneAsShown, type Prunable } from '../prune.js'
import { withTree } from '../tree.js'
import { absolute, numberOf, positiveOf, type Command } from './command.js'

export const prune: Command = (parser, { task, print }) =>
  parser.command(
    'prune <tree>',
    'Delete old snapshots, after asking; what "latest" leads to stays',
    (yargs) =>
      yargs
        .positional('tree', { type: 'string', demandOption: true, describe: 'its directory' })
        .option('keep', { type: 'string', default: '10', describe: 'so many of each X.0 stay' })
        .option('older-than', { type: 'string', describe: 'days; younger ones stay as well' })
        .option('promoted', { type: 'boolean', default: false, describe: 'also those of the last releases' })
        .option('yes', { alias: 'y', type: 'boolean', default: false, describe: 'do not ask' }),
    async ({ tree, keep: rawKeep, olderThan, promoted, yes }) => {
      const treeDir = absolute(tree)
      const keep = positiveOf('keep', rawKeep)
      const olderThanDays = olderThan === undefined ? undefined : numberOf('older-than', olderThan)
      const options = { keep, olderThanDays, promoted, nowMs: Date.now() }
      const old = await withTree(task, treeDir, async () => planPrune(task, treeDir, options))
      if (old.length === 0) return task.log('info', 'no snapshot is to be deleted')
      const question = `${old.map(lineOf).join('')}Delete these ${old.length} snapshots? [Yn] `
      const { stdin, stderr } = process
      if (!yes && !(await confirm(question, { stdin, stderr, signal: task.signal }))) return
      for (const dir of await pruneAsShown(task, treeDir, { options, shown: old })) await print(`${dir}\n`)
    },
  )

function lineOf({ name, info, sizeBytes }: Prunable): string {
  return `${name}  ${info.version}  ${info.builtAt.slice(0, 10)}  ${(sizeBytes / 2 ** 20).toFixed(1)} MiB\n`
}
