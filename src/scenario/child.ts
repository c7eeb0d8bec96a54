/** A runner as a process group of its own: its output by lines, its events, a limit for it, and nothing that outlives it. */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setImmediate as poll, setTimeout as sleep } from 'node:timers/promises'
import { isSystemError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { pause } from '../base/wait.js'
import { parseEvent, type RunnerEvent } from './protocol.js'

export interface ChildOptions {
  readonly argv: readonly [string, ...string[]]
  readonly cwd: string
  /** All of it. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** 0: none. */
  readonly timeoutMs: number
  readonly onLine: (line: string) => void
  /** The runner waits for its answer to `hold`; the next event comes when this has ended. */
  readonly onEvent: (event: RunnerEvent) => Promise<void>
  /** From SIGTERM to SIGKILL. Default 10 s. */
  readonly graceMs?: number
}

export interface ChildEnd {
  /** Undefined after a signal. */
  readonly exitCode: number | undefined
  readonly signal: NodeJS.Signals | undefined
  /** The limit was over. */
  readonly hasHung: boolean
  /** The last lines that it printed. */
  readonly lastLines: readonly string[]
}

const GRACE_MS = 10_000
const KEPT_LINES = 20

/**
 * Runs it to its end. When the limit is over, or the task is aborted, the whole group gets SIGTERM, and SIGKILL after
 * the grace; what the runner leaves in its group is ended as well. What has left the group, as daemons do, is left with a
 * warning, and what it prints is not waited for. Throws the reason of an abort, and
 * `LAGO_COMMAND_MISSING`.
 */
export async function runChild(task: Task, options: ChildOptions): Promise<ChildEnd> {
  task.signal.throwIfAborted()
  const { argv, cwd, env, timeoutMs, graceMs = GRACE_MS } = options
  task.log('debug', `run: ${argv.join(' ')}`)
  const [program, ...args] = argv
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], detached: true })
  const lastLines: string[] = []
  const onLine = (line: string): void => {
    lastLines.push(line)
    if (lastLines.length > KEPT_LINES) lastLines.shift()
    options.onLine(line)
  }
  const [, stdout, stderr, events] = child.stdio as unknown as readonly [null, Socket, Socket, Socket] // pipes are sockets
  const readers = [readLines(stdout, onLine), readLines(stderr, onLine), readEvents(events, options.onEvent)]
  const broken = Promise.all(readers.map(async ({ ended }) => ended)) // an event that cannot be handled ends the run
  const limit = new AbortController()
  const timer = timeoutMs > 0 ? setTimeout(() => limit.abort(), timeoutMs) : undefined
  try {
    const outside = abortion(AbortSignal.any([task.signal, limit.signal]))
    const exit = exitOf(child, program)
    await Promise.race([exit, outside, failureOf(broken)]).finally(async () => {
      await endGroup(task, child, graceMs)
      await drain(task, readers)
    })
    const { exitCode, signal } = await exit
    await broken
    task.signal.throwIfAborted()
    return { exitCode, signal, hasHung: limit.signal.aborted, lastLines }
  } finally {
    clearTimeout(timer)
  }
}

interface Exit {
  readonly exitCode: number | undefined
  readonly signal: NodeJS.Signals | undefined
}

async function exitOf(child: ChildProcess, program: string): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(
        isSystemError(error, 'ENOENT')
          ? new LagoError('LAGO_COMMAND_MISSING', `the program "${program}" is not on this host`, { data: { program } })
          : error,
      )
    })
    child.once('exit', (code, signal) => resolve({ exitCode: code ?? undefined, signal: signal ?? undefined }))
  })
}

async function abortion(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Never resolves. */
async function failureOf(work: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => void work.catch(reject))
}

/** Also what the leader has left behind. */
async function endGroup(task: Task, { pid }: ChildProcess, graceMs: number): Promise<void> {
  if (pid === undefined || !signalGroup(pid, 'SIGTERM')) return
  await task.shielded(graceMs + 1000, async (task) => {
    const endsAt = Date.now() + graceMs
    while (Date.now() < endsAt && signalGroup(pid, 0)) await pause(task, 20)
  })
  signalGroup(pid, 'SIGKILL')
}

/** False: there is nobody in the group. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal)
    return true
  } catch (error) {
    if (isSystemError(error, 'ESRCH', 'EPERM')) return false
    throw error
  }
}

interface Reader {
  /** When all lines have been handled. */
  readonly ended: Promise<void>
  /** When nobody can write any more. */
  readonly closed: Promise<void>
  bytesRead(): number
  /** What has been read by then is handled still. */
  stop(): void
}

function readLines(socket: Socket, onLine: (line: string) => void | Promise<void>): Reader {
  const lines = createInterface({ input: socket, crlfDelay: Infinity })
  const readAll = async (): Promise<void> => {
    for await (const line of lines) await onLine(line)
  }
  return {
    ended: readAll(),
    closed: new Promise((resolve) => void socket.once('end', resolve).once('close', resolve)),
    bytesRead: () => socket.bytesRead,
    stop: () => {
      lines.close()
      socket.destroy()
    },
  }
}

function readEvents(socket: Socket, onEvent: ChildOptions['onEvent']): Reader {
  socket.on('error', () => undefined) // it has gone, and needs no answer
  return readLines(socket, async (line) => {
    const event = parseEvent(line)
    if (event === undefined) return
    await onEvent(event)
    if (event.event === 'hold') socket.write('{}\n')
  })
}

/** Reads what has been printed. Somebody who has left the group may hold the other ends for ever, and print for ever. */
async function drain(task: Task, readers: readonly Reader[]): Promise<void> {
  const bytesRead = (): number => readers.reduce((sum, reader) => sum + reader.bytesRead(), 0)
  const closed = Promise.all(readers.map(async (reader) => reader.closed)).then(() => true)
  const endsAt = Date.now() + DRAIN_MS
  let before: number
  do {
    before = bytesRead()
    if (await Promise.race([closed, quiet()])) return
  } while (bytesRead() > before && Date.now() < endsAt)
  task.log(
    'warning',
    'something that the scenario has started, in a session of its own, is at work still: it is left, unheard',
  )
  for (const { stop } of readers) stop()
}

const DRAIN_MS = 5000
const QUIET_MS = 500

async function quiet(): Promise<false> {
  await sleep(QUIET_MS, undefined, { ref: false })
  await poll() // what is there by now is read by then
  return false
}
