/** `lago shell`: a session, a command or a local script in a guest, wired to this process's own standard streams. */
import { open, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { runAttached } from '../base/process.js'
import type { Task } from '../base/task.js'
import { sshCommand, type SshTarget } from './ssh-command.js'

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
 * No words: an interactive shell. One word that names a local file: its content is run by `bash -s`. Otherwise the
 * words, less a leading `-c`, are joined by spaces for the guest's shell, as ssh does.
 * ssh(1) gives 255 for its own failures; a guest's command may give it as well, so it is passed on as it is.
 * Throws `LAGO_COMMAND_MISSING` without an ssh client.
 */
export async function runShell(task: Task, target: SshTarget, request: ShellRequest): Promise<number> {
  const script = await openScript(request)
  try {
    const remote = remoteCommand(request.words, script !== undefined)
    const interactive = request.isTerminal && request.words.length === 0
    const { argv, env } = sshCommand(target, remote, { tty: interactive })
    return await runAttached(task, argv, { env, stdin: script?.fd, package: 'openssh-client' })
  } finally {
    await script?.close()
  }
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
  if (isScript) return 'bash -s'
  return (words[0] === '-c' ? words.slice(1) : words).join(' ')
}
