/**
 * What the programs of scripts/ share: verbs and options by yargs, steps and messages on stderr, errors told as `lago` tells
 * them, with its exit codes, and Ctrl-C as an abort signal.
 */
import type { Writable } from 'node:stream'
import yargs, { type Argv } from 'yargs'
import { explainSystemError, isSystemError, LagoError } from '../src/base/errors.js'
import { createTask, isCancelled, type Task } from '../src/base/task.js'
import { describeError } from '../src/cli/errors.js'
import { exitCodeOf } from '../src/cli/exit-code.js'
import { printTo } from '../src/cli/print.js'
import { createTerminal } from '../src/cli/render/terminal.js'
import { abortOnSignals } from '../src/cli/signals.js'

export interface Script {
  readonly task: Task
  /** The answer, on stdout, as it is. Rejects where it cannot be written, as on a full disk; a reader may go away. */
  print(text: string): Promise<void>
}

/**
 * `define` adds commands whose handlers do the work; a call without one is a usage error, as are unknown words. Sets the
 * exit code of the process; throws nothing.
 */
export async function runScript(name: string, define: (parser: Argv, script: Script) => Argv): Promise<void> {
  const { env, stdout, stderr } = process
  const signal = abortOnSignals(process)
  const isTerminal = stderr.isTTY === true && env['TERM'] !== 'dumb'
  const color = isTerminal && !env['NO_COLOR']
  const sink = createTerminal({ write: (text) => void stderr.write(text), color, level: 'info', depth: 3 })
  const script: Script = { task: createTask(sink, { signal }), print: async (text) => printAll(stdout, text) }
  try {
    const parser = parserOf(name, (parser) => define(parser, script))
    const argv = process.argv.slice(2)
    if (argv.length === 0) throw new LagoError('LAGO_USAGE', NO_VERB, { data: { usage: await parser.getHelp() } })
    await parser.parseAsync(argv)
  } catch (thrown) {
    const error = isCancelled(signal.reason) ? signal.reason : explainSystemError(thrown)
    await printTo(stderr, describeError(error, { debug: false }))
    process.exitCode = exitCodeOf(error)
  } finally {
    await sink.close()
  }
}

const NO_VERB = 'say what to do'

async function printAll(stream: Writable, text: string): Promise<void> {
  if (text === '') return
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => (isSystemError(error, 'EPIPE') ? resolve() : reject(error))
    stream.on('error', failed) // comes after the callback, too
    stream.write(text, (error) => (error ? failed(error) : resolve()))
  })
}

function parserOf(name: string, define: (parser: Argv) => Argv): Argv {
  const usageError = (message: string): LagoError =>
    new LagoError('LAGO_USAGE', message.trim().replace(/\s*\n\s*/g, ' '), { hint: `${name} --help` })
  return define(yargs().scriptName(name).detectLocale(false).version(false).exitProcess(false).wrap(100))
    .strict()
    .demandCommand(1, NO_VERB)
    .check((given, options) => {
      const twice = givenTwice(given, options)
      if (twice !== undefined) throw usageError(`--${twice} was given more than once`)
      return true
    })
    .fail((message: string | null, error: Error | undefined) => {
      throw error === undefined || error.name === 'YError'
        ? usageError(message ?? error?.message ?? 'bad usage') // YError: what yargs itself finds
        : error
    })
}

/** An option for one value has a list of them then, whatever its type says. */
function givenTwice(given: Readonly<Record<string, unknown>>, rawOptions: unknown): string | undefined {
  const { key, array } = rawOptions as { key: object; array: readonly string[] } // the types of yargs speak of aliases
  return Object.keys(key).find((name) => Array.isArray(given[name]) && !array.includes(name))
}
