/** `scripts/release`: each verb stands in a file of its own in commands/. */
import { requireTemporaryDir } from '../full-disk.js'
import { runScript } from '../program.js'
import { absolute } from './commands/command.js'
import { COMMANDS } from './commands/index.js'
import { umaskForTree } from './tree-dirs.js'

const before = process.umask()

await runScript('scripts/release', (parser, script) =>
  COMMANDS.reduce(
    (defined, command) => command(defined, script),
    parser.middleware(async ({ tree }) => {
      await requireTemporaryDir()
      if (typeof tree === 'string') process.umask(await umaskForTree(absolute(tree), before))
    }),
  ),
)
