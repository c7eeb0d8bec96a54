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
import { createRedact, redactingSink } from '../src/log/redact.js'
import { explainNoSpace } from './full-disk.js'
import { scriptCommand } from './script-path.js'

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
  const redact = createRedact([])
  const terminal = createTerminal({ write: (text) => void stderr.write(text), color, level: 'info', depth: 3 })
  const sink = redactingSink(redact, terminal)
  const script: Script = { task: createTask(sink, { signal }), print: async (text) => printAll(stdout, text) }
  try {
    const parser = parserOf(name, (parser) => define(parser, script))
    const argv = process.argv.slice(2)
    if (argv.length === 0) throw new LagoError('LAGO_USAGE', NO_VERB, { data: { usage: await parser.getHelp() } })
    await parser.parseAsync(argv)
  } catch (thrown) {
    const error = isCancelled(signal.reason) ? signal.reason : await explainNoSpace(explainSystemError(thrown))
    await printTo(stderr, redact(describeError(error, { debug: false })))
    process.exitCode = exitCodeOf(error)
  } finally {
    await sink.close()
  }
}

const NO_VERB = 'say what to do'

async function printAll(stream: Writable, text: string): Promise<void> {
  if (text === '') return
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => {
      if (isSystemError(error, 'EPIPE')) return resolve()
      if (isSystemError(error, 'ENOSPC', 'EDQUOT')) error.path ??= 'the standard output' // for what is told of it
      reject(error)
    }
    stream.on('error', failed) // comes after the callback, too
    stream.write(text, (error) => (error ? failed(error) : resolve()))
  })
}

function parserOf(name: string, define: (parser: Argv) => Argv): Argv {
  const parser = yargs()
    .scriptName(name)
    .detectLocale(false)
    .updateStrings(WORDS as object as Record<string, string>) // its types know no plurals
  const usageError = (message: string, usage?: string): LagoError =>
    new LagoError('LAGO_USAGE', message.trim().replace(/\s*\n\s*/g, ' '), {
      hint: `${callable(name)} --help`,
      data: { usage },
    })
  return define(parser.version(false).exitProcess(false).wrap(100))
    .strict()
    .recommendCommands()
    .demandCommand(1, NO_VERB)
    .check((given, options) => {
      const twice = givenTwice(given, options)
      if (twice !== undefined) throw usageError(`--${twice} was given more than once`)
      requireWords(given)
      return true
    })
    .fail((message: string | null, error: Error | undefined, command) => {
      throw error === undefined || error.name === 'YError'
        ? usageError(message ?? error?.message ?? 'bad usage', usageIn(command)) // YError: what yargs itself finds
        : error
    })
}

/** One that is named by where it stands is not called by that from elsewhere. */
function callable(name: string): string {
  return name.startsWith('scripts/') ? scriptCommand(name.slice('scripts/'.length)) : name
}

/** The first line of a help text: `scripts/release promote <tree> [snapshot]`. */
function usageIn(command: { help(): unknown }): string | undefined {
  const text = command.help()
  return typeof text === 'string' ? `usage: ${text.trimStart().replace(/\n[^]*/, '')}` : undefined
}

/** What yargs says, in the words of `lago`; the keys are those of its own English. */
const WORDS = {
  'Not enough non-option arguments: got %s, need at least %s': plural('too few words: %s given, at least %s needed'),
  'Too many non-option arguments: got %s, maximum of %s': plural('too many words: %s given, at most %s taken'),
  'Not enough arguments following: %s': 'a value is missing behind --%s',
  'Missing required argument: %s': plural('missing option: %s'),
  'Unknown argument: %s': { one: 'unknown option or word: %s', other: 'unknown options or words: %s' },
  'Unknown command: %s': { one: 'unknown verb: %s', other: 'unknown verbs: %s' },
  'Did you mean %s?': 'unknown verb; did you mean "%s"?',
  'Invalid values:': 'unknown value:',
  'Argument: %s, Given: %s, Choices: %s': '%s is %s; known: %s',
}

function plural(text: string): { one: string; other: string } {
  return { one: text, other: text }
}

/** Throws `LAGO_USAGE` for an argument without a word in it, which is what a variable leaves that is not set. */
function requireWords({ _: _verb, ...given }: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given))
    if (value === '' || (Array.isArray(value) && value.every((word) => word === '')))
      throw new LagoError('LAGO_USAGE', `"${name}" is empty`, {
        hint: 'give it a value, or leave it out: is a variable not set?',
      })
}

/** An option for one value has a list of them then, whatever its type says. */
function givenTwice(given: Readonly<Record<string, unknown>>, rawOptions: unknown): string | undefined {
  const { key, array } = rawOptions as { key: object; array: readonly string[] } // the types of yargs speak of aliases
  return Object.keys(key).find((name) => Array.isArray(given[name]) && !array.includes(name))
}
