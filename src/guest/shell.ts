/** `lago shell`: a session, a command or a local script in a guest, wired to this process's own standard streams. */
import { open, readFile, rm, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { runAttached } from '../base/process.js'
import { makeScratchDir } from '../base/scratch-dir.js'
import type { Task } from '../base/task.js'
import { hasBeenMet } from './host-key.js'
import { SCRIPT_SHELL } from './script.js'
import { sshCommand, type SshTarget } from './ssh-command.js'
import { SSH_FAILED, sshFailure } from './ssh-failure.js'
import { openSshGuest, type SshGuest } from './ssh-guest.js'

export interface ShellRequest {
  /** Everything after the VM's name, as typed. */
  readonly words: readonly string[]
  readonly cwd: string
  /** Standard input is a terminal. */
  readonly isTerminal: boolean
}

/** bash where the guest has it, as users of `lago shell` expect; else what there is. */
const LOGIN_SHELL = 'if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi'

/**
 * Runs it and gives the guest's exit code (spec 1.13).
 *
 * A leading `--` is none of the words. No words: an interactive shell. One word that names a local file: its content is run by `bash -s`. Otherwise the
 * words, less a leading `-c`, are joined by spaces for the guest's shell, as ssh does.
 * The first contact is made as `openSshGuest` makes it.
 * Throws `LAGO_COMMAND_MISSING` without an ssh client, and what `sshFailure` gives.
 */
export async function runShell(task: Task, target: SshTarget, typed: ShellRequest): Promise<number> {
  const request = { ...typed, words: typed.words[0] === '--' ? typed.words.slice(1) : typed.words }
  const script = await openScript(request)
  try {
    const command = remoteCommand(request.words, script !== undefined)
    const tty = request.isTerminal && request.words.length === 0
    return await runAttachedInGuest(task, target, command, { tty, stdin: script?.fd })
  } finally {
    await script?.close()
  }
}

export interface AttachOptions {
  /** The command gets a terminal of its own, as ours is. */
  readonly tty: boolean
  /** File descriptor for the command's standard input; default: this process's own. */
  readonly stdin?: number | undefined
}

/** Runs a text of the guest's shell, wired to this process's own standard streams. Gives and throws as `runShell`. */
export async function runAttachedInGuest(
  task: Task,
  target: SshTarget,
  command: string,
  { tty, stdin }: AttachOptions,
): Promise<number> {
  const logDir = await makeScratchDir('shell')
  try {
    await using first = await firstContact(target)
    using shared = await first?.connect(task)
    const controlPath = shared?.controlPath
    const logPath = path.join(logDir, 'log')
    const { argv, env } = sshCommand(target, command, { tty, controlPath, logPath })
    const exitCode = await runAttached(task, argv, { env, stdin, package: 'openssh-client' })
    // 255 may be the command's own; ssh says more about its failures than that
    const said = exitCode === SSH_FAILED ? await readFile(logPath, 'latin1').catch(() => '') : ''
    if (said.trim() !== '') throw sshFailure(target, said)
    if (exitCode === SSH_FAILED)
      task.log(
        'warning',
        `${target.vm}: the command ended with ${SSH_FAILED}, or, as when killed, without an exit code`,
      )
    return exitCode
  } finally {
    await rm(logDir, { recursive: true, force: true })
  }
}

/** Undefined when it has been made already. */
async function firstContact(target: SshTarget): Promise<SshGuest | undefined> {
  return (await hasBeenMet(target)) ? undefined : openSshGuest(target)
}

async function openScript({ words, cwd }: ShellRequest): Promise<FileHandle | undefined> {
  const [only] = words
  if (only === undefined || words.length > 1) return undefined
  const file = path.resolve(cwd, only)
  const isFile = await stat(file).then(
    (entry) => entry.isFile(),
    () => false,
  )
  return isFile ? open(file, 'r') : undefined
}

function remoteCommand(words: readonly string[], isScript: boolean): string {
  if (words.length === 0) return LOGIN_SHELL
  if (isScript) return SCRIPT_SHELL
  return (words[0] === '-c' ? words.slice(1) : words).join(' ')
}
