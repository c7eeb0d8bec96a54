/** Runs argv[2...] wired to its own streams and ends with its exit code. */
import { runAttached } from '../../../src/base/process.js'
import { recordedTask } from '../../helpers/recorded-task.js'

const [program = '', ...args] = process.argv.slice(2)
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)
process.exit(await runAttached(recordedTask().task, [program, ...args]))
