/** `scripts/release`: each verb stands in a file of its own in commands/. */
import { runScript } from '../program.js'
import { COMMANDS } from './commands/index.js'

await runScript('scripts/release', (parser, script) =>
  COMMANDS.reduce((defined, command) => command(defined, script), parser),
)
