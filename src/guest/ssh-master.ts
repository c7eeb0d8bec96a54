/** One connection to a guest, held by an ssh client of ours that does nothing else; others share it by its socket. */
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithParent } from '../base/end-with-us.js'
import { LagoError } from '../base/errors.js'
import { startProgram, type StartedProgram } from '../base/process.js'
import type { Task } from '../base/task.js'
import { hasBeenMet, noteMeeting } from './host-key.js'
import { sshMasterCommand, type SshTarget } from './ssh-command.js'
import { mayPass, sshFailure } from './ssh-failure.js'

export interface SshMaster {
  readonly controlPath: string
  readonly hasEnded: boolean
  /** Its server keeps sessions side by side apart. */
  readonly managesSeveral: boolean
  /** The first contact with this guest: its host key has just been stored, or was met for the first time. */
  readonly isFirstContact: boolean
  /** What its ssh said last; empty while all is well. */
  said(): string
  /** For one session more, to be disposed of when that has ended. */
  share(): SharedConnection
  end(): Promise<void>
}

export interface SharedConnection extends Disposable {
  /** Socket of the master. Undefined: the session needs a connection of its own, beside the one that is under way. */
  readonly controlPath: string | undefined
}

/**
 * dropbear, from 2022.82 on, closes a session that begins just when another one ends (openwrt/openwrt#11208): its command
 * never runs, and ssh gives the exit code 255 without a word. To go when no such dropbear is in use any more.
 */
const LOSES_SESSIONS = /dropbear/i

const AGAIN_AFTER_MS = 1000
/** ssh limits the key exchange, and nothing after it; a server that then falls silent would hold us for ever. */
const LIMIT_FACTOR = 3

/**
 * Connects. A server that drops us is tried again, a second apart, for the connect timeout or as often as the target
 * says, whichever is less; all in all it takes at most three times the connect timeout.
 * Throws what `sshFailure` gives, or the signal's reason.
 */
export async function openSshMaster(
  task: Task,
  target: SshTarget,
  controlPath: string,
  signal: AbortSignal,
): Promise<SshMaster> {
  const guard = await endWithParent(task) // a connection would outlive us when we are killed
  const startedAt = Date.now()
  const limit = AbortSignal.timeout(LIMIT_FACTOR * target.connectTimeoutMs)
  for (let tries = 1; ; tries++) {
    try {
      return await connectOnce(guard, target, controlPath, AbortSignal.any([signal, limit]))
    } catch (error) {
      signal.throwIfAborted()
      if (limit.aborted) throw timedOut(target)
      const isTimeUp = Date.now() + AGAIN_AFTER_MS - startedAt > target.connectTimeoutMs
      if (!(error instanceof LagoError) || !mayPass(error) || isTimeUp || tries >= target.connectTries) throw error
      await sleep(AGAIN_AFTER_MS, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

async function connectOnce(
  guard: readonly string[],
  target: SshTarget,
  controlPath: string,
  signal: AbortSignal,
): Promise<SshMaster> {
  signal.throwIfAborted()
  const isFirstContact = !(await hasBeenMet(target))
  const { argv, env } = sshMasterCommand(target, controlPath)
  const [first = '', ...words] = [...guard, ...argv]
  const program = startProgram([first, ...words], { env, package: 'openssh-client' })
  endWithUs(program)
  program.stdin.end()
  const log = readLog(program)
  if (!(await isReady(program, signal))) {
    signal.throwIfAborted()
    throw sshFailure(target, log.said())
  }
  if (isFirstContact) await noteMeeting(target).catch(async (error: unknown) => endWith(program, error))
  let sessions = 0
  const managesSeveral = (): boolean => !LOSES_SESSIONS.test(log.server())
  return {
    controlPath,
    isFirstContact,
    said: log.said,
    get managesSeveral() {
      return managesSeveral()
    },
    share() {
      if (sessions > 0 && !managesSeveral()) return { controlPath: undefined, [Symbol.dispose]: () => undefined }
      sessions++
      return { controlPath, [Symbol.dispose]: () => void sessions-- }
    },
    get hasEnded() {
      return program.hasEnded
    },
    async end() {
      program.end()
      await program.ended
    },
  }
}

async function endWith(program: StartedProgram, error: unknown): Promise<never> {
  program.end()
  await program.ended
  throw error
}

/** The line of its LocalCommand comes once others can use the connection. False: it ended before. */
async function isReady(program: StartedProgram, signal: AbortSignal): Promise<boolean> {
  const stop = (): void => program.end()
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    const ready = new Promise<true>((resolve) => program.stdout.once('data', () => resolve(true)))
    return await Promise.race([ready, program.ended.then(() => false)])
  } finally {
    signal.removeEventListener('abort', stop)
    program.stdout.resume()
  }
}

const ours = new Set<StartedProgram>()

/** A connection would outlive us; `process.exit` runs no clean-up of its own. */
function endWithUs(program: StartedProgram): void {
  if (!process.listeners('exit').includes(endOurs)) process.on('exit', endOurs)
  ours.add(program)
  void program.ended.catch(() => undefined).finally(() => ours.delete(program))
}

function endOurs(): void {
  for (const program of ours) program.end()
}

const TAIL_LENGTH = 4096

interface MasterLog {
  /** The last of what is not detail. */
  said(): string
  /** As the server calls itself; empty before it has. */
  server(): string
}

/** ssh says the last two at every end of a connection, whatever its cause. */
const DETAIL = /^(debug1: |Authenticated to |Transferred: sent |Bytes per second: )/

/** ssh tells its server's name among the details, and only there. */
function readLog(program: StartedProgram): MasterLog {
  let [rest, said, server] = ['', '', '']
  program.stderr.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = (lines.pop() ?? '').slice(-TAIL_LENGTH)
    for (const line of lines) {
      server ||= /^debug1: .*remote software version (.+)/.exec(line)?.[1] ?? ''
      if (!DETAIL.test(line)) said = `${said}${line}\n`.slice(-TAIL_LENGTH)
    }
  })
  return { said: () => said + rest, server: () => server }
}

function timedOut(target: SshTarget): LagoError {
  const seconds = (LIMIT_FACTOR * target.connectTimeoutMs) / 1000
  return sshFailure(target, `its server greets, but does not let us in within ${seconds} s`)
}
