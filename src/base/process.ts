/** Other programs: argv arrays only, never a shell; a failure carries the command line and the end of its stderr. */
import { spawn } from 'node:child_process'
import { constants, fstatSync } from 'node:fs'
import { access } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { isSystemError, LagoError, NO_SPACE_HINT } from './errors.js'
import type { Task } from './task.js'

export interface CommandOptions {
  readonly cwd?: string
  /** Added to the inherited environment; undefined takes a variable out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Written to the program's standard input; without it standard input is empty: `/dev/null`. */
  readonly input?: string
  /** Its standard output is thrown away, and `stdout` is empty: for more than memory has room for. */
  readonly isStdoutIgnored?: boolean
  /** Exit codes that are results, not errors; default `[0]`. */
  readonly okCodes?: readonly number[]
  /** Debian package that has the program, for the hint when it is missing. */
  readonly package?: string
  /** What the task's abort ends it with; default SIGTERM. */
  readonly killSignal?: NodeJS.Signals
  /** Words of a program that runs this one, as of `endWithParent`; left out of messages. */
  readonly guard?: readonly string[]
  /** Called with every piece of standard output as it comes. */
  readonly onStdout?: (text: string) => void
  readonly onStderr?: (text: string) => void
}

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end and gives what it printed.
 *
 * The task's abort ends it with `killSignal`. Throws `LAGO_COMMAND_MISSING` when it is not on the host, `LAGO_NO_SPACE` when
 * it says that the disk is full, `LAGO_COMMAND_FAILED` for any other exit code than `okCodes`.
 */
export async function runCommand(
  task: Task,
  argv: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<CommandResult> {
  task.signal.throwIfAborted()
  task.log('debug', `run: ${argv.join(' ')}`)
  const result = await collect(task, [...(options.guard ?? []), ...argv], options)
  task.signal.throwIfAborted()
  if ((options.guard ?? []).length > 0 && result.exitCode === NOT_FOUND) throw commandMissing(argv[0], options)
  if ((options.okCodes ?? [0]).includes(result.exitCode)) return result
  throw commandFailed(argv, result)
}

/** As a shell's; so do programs that run others. */
const NOT_FOUND = 127

async function collect(task: Task, argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const [program = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C', ...options.env }, // what it says is looked at
      // Node's pipes are sockets: with one as its input, bash takes itself for a remote login and reads ~/.bashrc
      stdio: [
        options.input === undefined ? 'ignore' : 'pipe',
        options.isStdoutIgnored === true ? 'ignore' : 'pipe',
        'pipe',
      ],
      signal: task.signal,
      ...(options.killSignal === undefined ? {} : { killSignal: options.killSignal }),
    })
    const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
    child.stdout?.on('data', (chunk: Buffer) => {
      chunks.stdout.push(chunk)
      options.onStdout?.(chunk.toString())
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      chunks.stderr.push(chunk)
      options.onStderr?.(chunk.toString())
    })
    child.stdin?.on('error', () => undefined) // EPIPE: the program did not want its input
    child.stdin?.end(options.input)
    child.on('error', (error) => {
      if (!task.signal.aborted) reject(isSystemError(error, 'ENOENT') ? commandMissing(program, options) : error)
    })
    child.on('close', (exitCode, signal) => {
      resolve({
        exitCode: exitCode ?? 128 + (signal === null ? 0 : os.constants.signals[signal]),
        stdout: Buffer.concat(chunks.stdout).toString('utf8'),
        stderr: Buffer.concat(chunks.stderr).toString('utf8'),
      })
    })
  })
}

export interface AttachedOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  /** File descriptor for the program's standard input; default: this process's own. */
  readonly stdin?: number | undefined
  readonly package?: string
}

/**
 * Runs a program wired to this process's own standard streams and gives its exit code (128 + n for signal n).
 *
 * Once nobody reads our standard output or error, and the program has written there, it is ended, and the exit code is
 * that of SIGPIPE. ssh(1) does not see to it: it ignores the signal, and not every server ends a command whose output
 * is not wanted any more. Throws `LAGO_COMMAND_MISSING` when it is not on the host.
 */
export async function runAttached(
  task: Task,
  argv: readonly [string, ...string[]],
  options: AttachedOptions = {},
): Promise<number> {
  task.signal.throwIfAborted()
  const [program, ...args] = argv
  const exitCode = await new Promise<number>((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [options.stdin ?? 'inherit', passedOn(1), passedOn(2)],
      env: { ...process.env, ...options.env },
      signal: task.signal,
    })
    child.on('error', (error) => {
      if (!task.signal.aborted) reject(isSystemError(error, 'ENOENT') ? commandMissing(program, options) : error)
    })
    const pipes = [passOn(child.stdout, process.stdout), passOn(child.stderr, process.stderr)]
    for (const pipe of pipes) pipe.catch(() => void child.kill())
    child.on('close', (code, signal) => {
      const ended = code ?? 128 + (signal === null ? 0 : os.constants.signals[signal])
      Promise.all(pipes).then(
        () => resolve(ended),
        () => resolve(128 + os.constants.signals.SIGPIPE),
      )
    })
  })
  task.signal.throwIfAborted()
  return exitCode
}

/** Only of a pipe or a socket the reader can go away. */
function passedOn(fd: number): 'pipe' | 'inherit' {
  const stream = fstatSync(fd)
  return stream.isFIFO() || stream.isSocket() ? 'pipe' : 'inherit'
}

/** Rejects when nobody reads `to` any more. */
async function passOn(from: Readable | null, to: Writable): Promise<void> {
  if (from === null) return
  for await (const chunk of from)
    await new Promise<void>((resolve, reject) => to.write(chunk, (error) => (error ? reject(error) : resolve())))
}

function commandMissing(program: string, options: { readonly package?: string }): LagoError {
  return new LagoError('LAGO_COMMAND_MISSING', `the program "${program}" is not on this host`, {
    hint: options.package === undefined ? undefined : `install the package ${options.package}`,
    data: { program },
  })
}

function commandFailed(argv: readonly string[], result: CommandResult): LagoError {
  const tail = result.stderr.trim().split('\n').slice(-5).join('\n')
  const data = { argv, exitCode: result.exitCode, stderr: tail }
  if (/no space left on device/i.test(result.stderr))
    return new LagoError('LAGO_NO_SPACE', `the disk is full: ${argv.join(' ')}`, { hint: NO_SPACE_HINT, data })
  return new LagoError('LAGO_COMMAND_FAILED', `${argv.join(' ')} ended with exit code ${result.exitCode}: ${tail}`, {
    data,
  })
}

export interface StartedProgram {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Its exit code (128 + n for signal n) once its streams are closed; `LAGO_COMMAND_MISSING` when it is not there. */
  readonly ended: Promise<number>
  readonly hasEnded: boolean
  end(signal?: NodeJS.Signals): void
}

/** Starts a program whose streams and end are the caller's to look after; its messages are not translated. */
export function startProgram(
  argv: readonly [string, ...string[]],
  options: Pick<AttachedOptions, 'env' | 'package'> = {},
): StartedProgram {
  const [program, ...args] = argv
  const child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C', ...options.env } })
  child.stdin.on('error', () => undefined) // EPIPE: the program did not want its input
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', (error) => reject(isSystemError(error, 'ENOENT') ? commandMissing(program, options) : error))
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : os.constants.signals[signal])))
  })
  ended.catch(() => undefined) // told to whoever awaits it
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null
    },
    end: (signal = 'SIGTERM') => void child.kill(signal),
  }
}

/** Where a shell would find it; undefined: nowhere. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const dir of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(dir, name)
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return file
  }
  return undefined
}
