/**
 * One run of the program: command line, configuration, event sinks, verb, output, exit code. Knows no verb and touches
 * neither `process` nor the environment by itself.
 */
import type { Readable, Writable } from 'node:stream'
import { explainSystemError, factsOf, messageOf } from '../base/errors.js'
import { fanOutSink, type EventSink, type LagoEvent } from '../base/events.js'
import { createTask, isCancelled } from '../base/task.js'
import { cacheDirOf } from '../config/files.js'
import { loadConfig } from '../config/load.js'
import { INIT_SETTINGS } from '../config/defaults.js'
import { secretsOf } from '../config/secrets.js'
import type { Config } from '../config/types.js'
import type { LagoPlugin } from '../plugin/contract.js'
import type { CommandContext, CommandOutcome, CommandSpec } from './command.js'
import { confirm } from './confirm.js'
import { describeError } from './errors.js'
import { exitCodeOf } from './exit-code.js'
import { versionText } from './fast-path.js'
import type { OutputFormat } from './output/index.js'
import { parseArgv, type Invocation } from './parse.js'
import { parsedArgs } from './parsed-args.js'
import { findAbilities, type Abilities } from './plugins.js'
import { printTo } from './print.js'
import { openJsonLines } from './render/json-lines.js'
import { createLogFile, type LogFileSink } from '../log/log-file.js'
import { createRedact, redactingSink, type Redact } from '../log/redact.js'
import { createProgressLine } from './render/progress-line.js'
import { createTerminal } from './render/terminal.js'

export interface ProgramIo {
  /** Without node and script. */
  readonly argv: readonly string[]
  /** Default `lago`. */
  readonly program?: 'lago' | 'lagocli'
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute. */
  readonly cwd: string
  readonly homeDir: string
  /** Default `/etc`; where `lago/lago.conf` is sought. */
  readonly etcDir?: string
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable
  readonly stderr: Writable & { readonly isTTY?: boolean }
  /** Its reason should be a `LAGO_CANCELLED` whose `data.signal` names the signal. */
  readonly signal: AbortSignal
}

/**
 * Gives the exit code, when everything is printed and on disk. Errors are printed, never thrown.
 * `plugins` are those that come with Lago.
 */
export async function runProgram(
  io: ProgramIo,
  commands: readonly CommandSpec[],
  plugins: readonly LagoPlugin[] = [],
): Promise<number> {
  try {
    const abilities = await findAbilities(io, commands, plugins)
    const invocation = await parseArgv(io.argv, abilities.commands)
    return await answer(io, invocation, abilities)
  } catch (error) {
    await printTo(io.stderr, describeError(error, { debug: false }))
    return exitCodeOf(error)
  }
}

async function answer(io: ProgramIo, invocation: Invocation, abilities: Abilities): Promise<number> {
  switch (invocation.kind) {
    case 'version':
      await printTo(io.stdout, versionText(invocation.family))
      return 0
    case 'help':
      await printTo(invocation.exitCode === 0 ? io.stdout : io.stderr, `${invocation.text}\n`)
      return invocation.exitCode
    case 'run':
      return runVerb(io, invocation, abilities)
  }
}

type Run = Extract<Invocation, { kind: 'run' }>

async function runVerb(io: ProgramIo, run: Run, { commands, kinds, formats }: Abilities): Promise<number> {
  const { command, words, options, globals } = run
  const flags = new Map([
    ['lago', globals],
    ['init', new Map([...options].filter(([key]) => INIT_SETTINGS.some((setting) => setting.key === key)))],
    [command.name, options],
  ])
  const { config, warnings } = loadConfig({ ...io, flags })
  const args = parsedArgs(command, words, config.section(command.name))
  const loadFormat = formats.get(config.outFormat)

  const redact = createRedact(secretsOf(config))
  const sinks = openSinks(io, config, redact)
  try {
    const task = createTask(sinks.all, { signal: io.signal, jobs: config.vm.jobs })
    for (const warning of warnings) task.log('warning', warning)
    const context: CommandContext = {
      task,
      config,
      cwd: io.cwd,
      env: io.env,
      args,
      program: io.program ?? 'lago',
      cacheDir: cacheDirOf(io),
      ...(kinds === undefined ? {} : { kinds }),
      commandLine: { verbs: commands, outputFormats: formats.names() },
      isTerminal: io.stdin.isTTY === true,
      streams: { stdin: io.stdin, stdout: io.stdout },
      confirm: async (question) => confirm(question, io),
      logTo: (logPath) => sinks.logFile.open(logPath),
    }
    const outcome = (await command.run(context)) ?? {}
    await printOutput(io, outcome, loadFormat)
    if (outcome.error !== undefined) throw outcome.error
    return outcome.exitCode ?? 0
  } catch (thrown) {
    const error = isCancelled(io.signal.reason) ? io.signal.reason : explainSystemError(thrown)
    await printTo(io.stderr, redact(describeError(error, { debug: config.log.level === 'debug' })))
    sinks.quiet.emit(errorEvent(thrown))
    return exitCodeOf(error, command.name)
  } finally {
    await sinks.all.close()
  }
}

interface Sinks {
  readonly all: EventSink
  /** Those that nobody watches: an error that is printed is told to them as an event. */
  readonly quiet: EventSink
  readonly logFile: LogFileSink
}

function openSinks(io: ProgramIo, config: Config, redact: Redact): Sinks {
  const writeRaw = (text: string): void => void io.stderr.write(text)
  const isTerminal = io.stderr.isTTY === true && io.env['TERM'] !== 'dumb'
  const progressLine = isTerminal ? createProgressLine(writeRaw) : undefined
  const write = progressLine?.write ?? writeRaw
  const color = io.stderr.isTTY === true && !io.env['NO_COLOR'] && io.env['TERM'] !== 'dumb'
  const terminal = createTerminal({ write, color, level: config.log.level, depth: config.log.depth })
  const logFile = createLogFile((problem) => write(`${redact(problem)}\n`))
  const eventsPath = config.section('lago')['events']
  const files = eventsPath === undefined ? [logFile] : [logFile, openJsonLines(io.cwd, eventsPath)]
  const quiet = redactingSink(redact, fanOutSink(files))
  const shown = [redactingSink(redact, terminal), ...(progressLine === undefined ? [] : [progressLine.sink])]
  return { all: fanOutSink([...shown, quiet]), quiet, logFile }
}

async function printOutput(
  io: ProgramIo,
  { output, text: rawText }: CommandOutcome,
  loadFormat: () => Promise<OutputFormat>,
): Promise<void> {
  if (rawText !== undefined) await printTo(io.stdout, rawText)
  if (output === undefined) return
  const text = (await loadFormat())(output)
  await printTo(io.stdout, text === '' ? '' : `${text}\n`)
}

function errorEvent(error: unknown): LagoEvent {
  return {
    at: Date.now(),
    type: 'log',
    step: undefined,
    level: 'error',
    message: messageOf(error),
    data: factsOf(error),
  }
}
