/** `scripts/release`: each verb stands in a file of its own in commands/. */
import { runScript } from '../program.js'
import { COMMANDS } from './commands/index.js'

// a tree is for everybody to read, whatever whoever makes it keeps for themselves otherwise
process.umask(process.umask() & 0o022)

await runScript('scripts/release', (parser, script) =>
  COMMANDS.reduce((defined, command) => command(defined, script), parser),
)
