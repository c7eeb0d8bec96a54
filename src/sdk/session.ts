/**
 * What an environment works with while a program holds it: configuration, event sinks, task, and a host that is opened
 * when something first needs it. Prints nothing.
 */
import path from 'node:path'
import { isLagoError, LagoError, messageOf } from '../base/errors.js'
import { fanOutSink, type EventSink } from '../base/events.js'
import { createTask, type Task } from '../base/task.js'
import { cacheDirOf } from '../config/files.js'
import { loadConfig } from '../config/load.js'
import { surroundingsOfProcess, type Surroundings } from '../config/of-process.js'
import { secretsOf } from '../config/secrets.js'
import type { Config } from '../config/types.js'
import { createLogFile } from '../log/log-file.js'
import { createRedact, redactingSink } from '../log/redact.js'
import type { CommandContext } from '../plugin/command.js'
import type { Host } from '../prefix/host.js'
import type { AddedKinds } from '../prefix/kinds.js'
import { flagsOf } from './flags.js'
import type { CommonOptions, LoadOptions, NewEnvOptions } from './options.js'

export interface Session extends AsyncDisposable {
  readonly config: Config
  readonly surroundings: Surroundings
  readonly task: Task
  /** The prefix's log; what has happened before is written there as well. */
  logTo(logPath: string): void
  /** For what only looks, and for what is done to the whole. */
  host(): Promise<Host>
  /** For changes, which are made one at a time: another one, so that it can be closed while others look. */
  changingHost(): Promise<Host>
  /** Waits until libvirt has taken back what a change gave up; the next change opens another. */
  closeChangingHost(): Promise<void>
}

/** Throws `LAGO_USAGE` for settings that are not allowed. */
export function openSession(options: CommonOptions & Partial<NewEnvOptions & LoadOptions>): Session {
  const surroundings = surroundingsOf(options)
  const { config, warnings } = loadConfig({ ...surroundings, flags: flagsOf({ ...options.settings, ...options }) })
  const watcher = watcherOf(options)
  // not through the task: what is wrong with a log is nothing that the log can be told
  const onProblem = (message: string): void =>
    watcher.emit({ at: Date.now(), type: 'log', step: undefined, level: 'warning', message })
  const prefixLog = createLogFile(onProblem)
  const sinks = [prefixLog, ...ownLog(options, surroundings.cwd, onProblem), watcher]
  const sink = redactingSink(createRedact(secretsOf(config)), fanOutSink(sinks))
  const cancel = new AbortController()
  const stopListening = onAbort(options.signal, (reason) => cancel.abort(cancelled(reason)))
  const task = createTask(sink, { signal: cancel.signal, jobs: config.vm.jobs })
  for (const warning of warnings) task.log('warning', warning)
  const open = async (): Promise<Host> => openHostOf(config, surroundings)
  const [looking, changing] = [keepHost(open), keepHost(open)]
  return {
    config,
    surroundings,
    task,
    logTo: (logPath) => prefixLog.open(logPath),
    host: async () => looking.get(),
    changingHost: async () => changing.get(),
    closeChangingHost: async () => changing.close(),
    async [Symbol.asyncDispose]() {
      stopListening()
      await Promise.all([looking.close(), changing.close()])
      await sink.close()
    },
  }
}

/** For a verb of the command line: its configuration, its task, its logs. What it holds is not ended with it. */
export function sessionOfVerb(context: CommandContext): Session {
  const { config, task, cwd, env } = context
  const openHostOfVerb = async (): Promise<Host> => (await import('../prefix/host.js')).openHost(config, context)
  const [looking, changing] = [keepHost(openHostOfVerb), keepHost(openHostOfVerb)]
  return {
    config,
    surroundings: { ...surroundingsOfProcess(), cwd, env },
    task,
    logTo: context.logTo,
    host: async () => looking.get(),
    changingHost: async () => changing.get(),
    closeChangingHost: async () => changing.close(),
    async [Symbol.asyncDispose]() {
      await Promise.all([looking.close(), changing.close()])
    },
  }
}

interface KeptHost {
  /** Opens it when there is none. */
  get(): Promise<Host>
  close(): Promise<void>
}

function keepHost(open: () => Promise<Host>): KeptHost {
  let opened: Promise<Host> | undefined
  return {
    async get() {
      opened ??= open().catch((error: unknown) => {
        opened = undefined
        throw error
      })
      return opened
    },
    async close() {
      const closing = opened
      opened = undefined
      await (await closing)?.[Symbol.asyncDispose]()
    },
  }
}

async function openHostOf(config: Config, surroundings: Surroundings): Promise<Host> {
  const { openHost } = await import('../prefix/host.js')
  const kinds = config.plugins.length === 0 ? undefined : await kindsOf(config.plugins)
  return openHost(config, {
    cacheDir: cacheDirOf(surroundings),
    env: surroundings.env,
    ...(kinds === undefined ? {} : { kinds }),
  })
}

/** Providers, VM types and service managers of the plugins that are configured; verbs and formats are not asked for. */
async function kindsOf(settings: Config['plugins']): Promise<AddedKinds> {
  const { described, loadModules } = await import('../plugin/load.js')
  const { checkPlugin, collectAdditions } = await import('../plugin/check.js')
  const { OWN_KINDS } = await import('../prefix/kinds.js')
  const modules = await loadModules(settings)
  const plugins = modules.map(({ setting, exported }) => checkPlugin(exported, described(setting)))
  return collectAdditions(plugins, { ...OWN_KINDS, commands: [], outputs: [] }).kinds
}

/** Gives a function that ends it. */
function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  const tell = (): void => listener(signal?.reason)
  if (signal?.aborted === true) tell()
  else signal?.addEventListener('abort', tell, { once: true })
  return () => signal?.removeEventListener('abort', tell)
}

function cancelled(reason: unknown): LagoError {
  if (isLagoError(reason)) return reason
  return new LagoError('LAGO_CANCELLED', `cancelled: ${messageOf(reason)}`, { cause: reason })
}

function surroundingsOf({ cwd, env }: CommonOptions): Surroundings {
  const own = surroundingsOfProcess()
  return { env: env ?? own.env, homeDir: env?.['HOME'] ?? own.homeDir, cwd: path.resolve(own.cwd, cwd ?? '.') }
}

function watcherOf({ events }: CommonOptions): EventSink {
  if (typeof events === 'object') return events
  return { emit: (event) => events?.(event), close: async () => undefined }
}

function ownLog({ logFile }: CommonOptions, cwd: string, onProblem: (problem: string) => void): readonly EventSink[] {
  if (logFile === undefined) return []
  const log = createLogFile(onProblem)
  log.open(path.resolve(cwd, logFile))
  return [log]
}
