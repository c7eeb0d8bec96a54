/** A guest by the system's ssh client: one connection that all commands share. */
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { LagoError } from '../base/errors.js'
import { startProgram, type StartedProgram } from '../base/process.js'
import { makeScratchDir } from '../base/scratch-dir.js'
import { socketDir } from '../base/socket-dir.js'
import { plainLine } from '../base/plain-text.js'
import type { Task } from '../base/task.js'
import { unlessAborted } from '../base/unless-aborted.js'
import type { Guest, GuestCommand, GuestProcess, GuestResult, GuestRunOptions } from './guest.js'
import { commandText } from './quote.js'
import { sshCommand, type SshCommand, type SshTarget } from './ssh-command.js'
import { isSessionRefused, SSH_FAILED, sshFailure } from './ssh-failure.js'
import { openSshMaster, type SharedConnection, type SshMaster } from './ssh-master.js'

/** What the ways of copying need beside `Guest`: the connection itself. */
export interface SshGuest extends Guest {
  readonly target: SshTarget
  /** For a session of the caller's own; the connection is opened if it is not. */
  connect(task: Task): Promise<SharedConnection>
}

/**
 * Connects with the first command; all commands share that connection. Once it has broken, the next command makes a
 * new one. To be disposed of: nothing stays on the host.
 *
 * The guest's host key is kept at the first contact, and the guest writes its disks once, so that a hard power-off does
 * not lose a key that it has only just made.
 * Commands throw `LAGO_GUEST_UNREACHABLE`, `LAGO_GUEST_AUTH`, `LAGO_HOST_KEY_CHANGED`.
 */
export function openSshGuest(target: SshTarget): SshGuest {
  return new SharedSsh(target)
}

/** A guest may print for ever. */
const OUTPUT_LIMIT = 64 * 1024 ** 2
const STDERR_TAIL = 64 * 1024
const SYNC_LIMIT_MS = 10_000

class SharedSsh implements SshGuest {
  readonly vm: string
  readonly target: SshTarget
  /** Each with the connection that it shares, or would. */
  readonly #running = new Map<StartedProgram, SshMaster>()
  /** Those that are given up and not at their end yet are among them. */
  readonly #openings = new Set<Promise<SshMaster>>()
  #dir: Promise<string> | undefined
  #opening: Opening | undefined
  #master: SshMaster | undefined
  #count = 0
  #disconnects = 0
  #isClosed = false

  constructor(target: SshTarget) {
    this.target = target
    this.vm = target.vm
  }

  async run(task: Task, command: GuestCommand, options: GuestRunOptions = {}): Promise<GuestResult> {
    return task.signal.aborted ? Promise.reject(task.signal.reason) : this.#run(task, command, options)
  }

  async #run(task: Task, command: GuestCommand, { input, onOutput }: GuestRunOptions): Promise<GuestResult> {
    const stop = new AbortController()
    const { stdin, stdout, stderr, ended } = this.#begin(task, command, stop.signal)
    const tooMuch = (): void =>
      stop.abort(
        new LagoError(
          'LAGO_GUEST_OUTPUT',
          `a command in ${this.vm} printed more than ${OUTPUT_LIMIT / 1024 ** 2} MiB`,
          {
            hint: 'let it write to a file, and copy that',
            data: { vm: this.vm },
          },
        ),
      )
    const out = collectText(stdout, tooMuch, (text) => onOutput?.(text, 'stdout'))
    const err = collectText(stderr, tooMuch, (text) => onOutput?.(text, 'stderr'))
    stdin.on('error', () => undefined) // it may end without reading
    stdin.end(input)
    const exitCode = await ended
    return { exitCode, stdout: await out, stderr: await err }
  }

  start(task: Task, command: GuestCommand): GuestProcess {
    const { stdin, stdout, stderr, ended } = this.#begin(task, command)
    let tail = Buffer.alloc(0)
    stderr.on('data', (chunk: Buffer) => (tail = Buffer.concat([tail, chunk]).subarray(-STDERR_TAIL)))
    const allSaid = closed(stderr)
    const result = ended.then(async (exitCode) => {
      await allSaid
      return { exitCode, stderr: tail.toString('utf8') }
    })
    result.catch(() => undefined) // told to whoever awaits it
    return { stdin, stdout, ended: result }
  }

  async connect(task: Task): Promise<SharedConnection> {
    return (await this.#connection(task)).share()
  }

  async disconnect(): Promise<void> {
    this.#disconnects++
    const before = new Set(this.#running.keys())
    const master = this.#master
    this.#master = undefined
    this.#opening?.abort.abort(this.#closedError())
    this.#opening = undefined
    await Promise.allSettled([...this.#openings, master?.end()])
    // commands that have come meanwhile have a new connection, and go on
    const old = [...this.#running].filter(([program, shared]) => before.has(program) || shared === master)
    for (const [program] of old) end(program)
    await Promise.allSettled(old.map(async ([program]) => program.ended))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.disconnect()
    if (this.#dir !== undefined) await rm(await this.#dir, { recursive: true, force: true })
  }

  /** The streams are there at once, the command as soon as there is a connection. `ended`: with its output read. */
  #begin(task: Task, command: GuestCommand, stop?: AbortSignal): Begun {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const signal = stop === undefined ? task.signal : AbortSignal.any([task.signal, stop])
    const ended = this.#perform(task, commandText(command), { stdin, stdout, stderr }, signal).catch(
      (error: unknown) => {
        for (const stream of [stdin, stdout, stderr]) stream.destroy()
        throw error
      },
    )
    ended.catch(() => undefined) // told to whoever awaits it
    return { stdin, stdout, stderr, ended }
  }

  async #perform(task: Task, text: string, streams: Streams, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted()
    task.log('debug', `${this.vm}: run ${plainLine(text, 120)}`)
    const master = await this.#connection(task)
    const logPath = path.join(path.dirname(master.controlPath), `log-${++this.#count}`)
    const disconnects = this.#disconnects
    const exitCode = await this.#attachShared(master, { text, logPath }, streams, signal)
    if (disconnects !== this.#disconnects) throw this.#closedError()
    if (exitCode === SSH_FAILED) await this.#refuseFailure(task, master, logPath)
    await rm(logPath, { force: true })
    return exitCode
  }

  async #attachShared(
    master: SshMaster,
    { text, ...options }: Session,
    streams: Streams,
    signal: AbortSignal,
  ): Promise<number> {
    using shared = master.share()
    const { controlPath } = shared
    try {
      const command = sshCommand(this.target, text, { tty: false, controlPath, ...options })
      return await this.#attach(master, command, streams, signal)
    } catch (error) {
      // in the guest it may go on, and its end would be one that costs another session
      if (controlPath !== undefined && !master.managesSeveral) await this.#drop(master)
      throw error
    }
  }

  async #attach(
    master: SshMaster,
    { argv, env }: SshCommand,
    { stdin, stdout, stderr }: Streams,
    signal: AbortSignal,
  ): Promise<number> {
    signal.throwIfAborted()
    const program = startProgram(argv, { env, package: 'openssh-client' })
    this.#running.set(program, master)
    const stop = (): void => end(program)
    signal.addEventListener('abort', stop)
    stdin.pipe(program.stdin)
    // whoever wrote has given up: the guest would wait for the rest for ever
    let isGivenUp = false
    const giveUp = (): void => {
      if (stdin.readableEnded) return
      isGivenUp = true
      end(program)
    }
    stdin.once('close', giveUp)
    if (stdin.closed) giveUp()
    program.stdout.pipe(stdout)
    program.stderr.pipe(stderr)
    // nobody reads any more: the program shall notice, instead of waiting for ever
    stdout.on('close', () => program.stdout.destroy())
    try {
      const exitCode = await program.ended
      signal.throwIfAborted()
      if (isGivenUp) throw stdin.errored ?? new Error(`the input of a command in ${this.vm} was given up`)
      return exitCode
    } finally {
      signal.removeEventListener('abort', stop)
      stdin.removeListener('close', giveUp)
      this.#running.delete(program)
      stdin.unpipe()
      stdin.destroy()
    }
  }

  /**
   * 255 may be the command's own. It is not when ssh has complained, or when nothing can be run any more over the same
   * connection; over a new one it could.
   */
  async #refuseFailure(task: Task, master: SshMaster, logPath: string): Promise<void> {
    const log = await readFile(logPath, 'latin1').catch(() => '')
    // what a client says before it falls back to a connection of its own
    const said = log.split('\n').filter((line) => !/^(mux_client|ControlSocket|Control socket)/.test(line))
    if (said.some((line) => line.trim() !== '')) throw sshFailure(this.target, said.join('\n'))
    if (!master.hasEnded && (await this.#answers(master, logPath, task.signal))) return
    await this.#drop(master)
    throw sshFailure(this.target, master.said())
  }

  /** A server that refuses one session more has answered. */
  async #answers(master: SshMaster, logPath: string, signal: AbortSignal): Promise<boolean> {
    await rm(logPath, { force: true }) // what is in it is of the session before
    if ((await this.#runQuietly(master, 'exit 0', logPath, signal)) === 0) return true
    return isSessionRefused(await readFile(logPath, 'latin1').catch(() => ''))
  }

  async #runQuietly(master: SshMaster, text: string, logPath: string, signal: AbortSignal): Promise<number> {
    const streams = { stdin: new PassThrough().end(), stdout: new PassThrough(), stderr: new PassThrough() }
    for (const stream of [streams.stdout, streams.stderr]) stream.resume()
    return this.#attachShared(master, { text, logPath, sharedOnly: master.managesSeveral }, streams, signal)
  }

  async #drop(master: SshMaster): Promise<void> {
    if (this.#master === master) this.#master = undefined
    await master.end()
  }

  /** Commands that come together share one attempt; it is given up when none of them wants it any more. */
  async #connection(task: Task): Promise<SshMaster> {
    if (this.#isClosed) throw this.#closedError()
    if (this.#master !== undefined && !this.#master.hasEnded) return this.#master
    this.#opening ??= this.#open(task)
    const opening = this.#opening
    opening.waiting++
    try {
      return await unlessAborted(task.signal, opening.master)
    } finally {
      if (--opening.waiting === 0) {
        opening.abort.abort(task.signal.reason)
        if (this.#opening === opening) this.#opening = undefined
      }
    }
  }

  #open(task: Task): Opening {
    const abort = new AbortController()
    const master = this.#openMaster(task, abort.signal)
    const opening: Opening = { master, abort, waiting: 0 }
    this.#openings.add(master)
    const done = (): void => {
      this.#openings.delete(master)
      if (this.#opening === opening) this.#opening = undefined
    }
    master.then(done, done)
    return opening
  }

  async #openMaster(task: Task, signal: AbortSignal): Promise<SshMaster> {
    const controlPath = path.join(await this.#socketDir(), `s${++this.#count}`)
    task.log('debug', `${this.vm}: connecting to ${this.target.user}@${this.target.ip}`)
    const master = await openSshMaster(task, this.target, controlPath, signal)
    if (master.isFirstContact) await this.#sync(task, master, signal)
    if (signal.aborted) await master.end()
    signal.throwIfAborted()
    this.#master = master
    return master
  }

  async #socketDir(): Promise<string> {
    this.#dir ??= makeScratchDir('ssh', socketDir()).catch((error: unknown) => {
      this.#dir = undefined // the next command tries again
      throw error
    })
    return this.#dir
  }

  /** Before the first command, whose session would otherwise begin when this one ends. */
  async #sync(task: Task, master: SshMaster, signal: AbortSignal): Promise<void> {
    task.log('debug', `${this.vm}: run sync`)
    const limit = new AbortController()
    const timer = setTimeout(() => limit.abort(), SYNC_LIMIT_MS)
    const limited = AbortSignal.any([signal, limit.signal])
    try {
      await this.#runQuietly(master, 'sync', `${master.controlPath}.log`, limited)
    } catch (error) {
      task.log('debug', `${this.vm}: sync after the first contact failed: ${String(error)}`)
    } finally {
      clearTimeout(timer)
    }
  }

  #closedError(): LagoError {
    return new LagoError('LAGO_GUEST_UNREACHABLE', `the connection to ${this.vm} has been closed`, {
      data: { vm: this.vm },
    })
  }
}

interface Opening {
  readonly master: Promise<SshMaster>
  readonly abort: AbortController
  waiting: number
}

interface Session {
  readonly text: string
  readonly logPath: string
  readonly sharedOnly?: boolean
}

interface Streams {
  readonly stdin: PassThrough
  readonly stdout: PassThrough
  readonly stderr: PassThrough
}

interface Begun extends Streams {
  readonly ended: Promise<number>
}

/** The whole text once the stream has ended; `onText` gets it piece by piece, never half a character. */
async function collectText(stream: PassThrough, tooMuch: () => void, onText: (text: string) => void): Promise<string> {
  const decoder = new StringDecoder('utf8')
  const texts: string[] = []
  let size = 0
  const take = (text: string): void => {
    if (text === '' || size > OUTPUT_LIMIT) return
    texts.push(text)
    onText(text)
  }
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > OUTPUT_LIMIT) return tooMuch()
    take(decoder.write(chunk))
  })
  stream.on('end', () => take(decoder.end()))
  await closed(stream)
  return texts.join('')
}

async function closed(stream: PassThrough): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve))
}

/** The other end of its streams is held by the shared connection until the guest's command ends, which may be never. */
function end(program: StartedProgram): void {
  program.end()
  program.stdout.destroy()
  program.stderr.destroy()
}
