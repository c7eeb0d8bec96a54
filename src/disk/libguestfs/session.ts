/**
 * guestfish(1) in a conversation: a command goes in, its output comes back. It starts a small machine that looks at the
 * image with Linux's own file systems, read-only, and it ends when its input does, so with us.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError, NO_SPACE_HINT } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import { endWithParent, SETPRIV_NOT_FOUND } from '../../base/end-with-us.js'

export interface Guestfish extends AsyncDisposable {
  /** For files that commands write: private, and gone with the session if its owner removes it. */
  readonly workDir: string
  /** Further commands only tell why. */
  readonly hasEnded: boolean
  /**
   * The output of one command, whose words may hold any character.
   * Throws `LAGO_DISK_UNREADABLE` with what libguestfs says, `LAGO_NO_SPACE` when `workDir` is full.
   */
  run(task: Task, words: readonly string[]): Promise<string>
}

/** One of them; more would be a guest's attempt to fill the memory. */
const MAX_OUTPUT = 16 * 1024 * 1024
const END_GRACE_MS = 5_000

/** `workDir` is there and nobody else's. Throws `LAGO_COMMAND_MISSING` without guestfish. */
export async function openGuestfish(task: Task, workDir: string): Promise<Guestfish> {
  const guard = await endWithParent(task)
  // not a pipe: what was said before a command's end can be told from what came after it
  const said = await open(path.join(workDir, 'said'), 'w+', 0o600)
  return new Session(task, { workDir, said, guard })
}

class Session implements Guestfish {
  readonly workDir: string
  readonly #said: FileHandle
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #output = ''
  #hasEnded = false
  #isMissing = false
  #wake: () => void = () => undefined

  constructor(task: Task, { workDir, said, guard }: { workDir: string; said: FileHandle; guard: readonly string[] }) {
    this.workDir = workDir
    this.#said = said
    const [program = '', ...argv] = [...guard, 'guestfish', '--ro']
    task.log('debug', 'run: guestfish --ro')
    // eslint-disable-next-line no-restricted-properties -- added to what every program inherits
    this.#child = spawn(program, argv, { stdio: ['pipe', 'pipe', said.fd], env: { ...process.env, ...ENV } })
    this.#child.stdin?.on('error', () => undefined) // it ended
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take(text))
    this.#child.on('error', (error) => (this.#isMissing ||= isSystemError(error, 'ENOENT')))
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        this.#isMissing ||= guard.length > 0 && code === SETPRIV_NOT_FOUND
        this.#hasEnded = true
        this.#wake()
        resolve()
      })
    })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  async run(task: Task, words: readonly string[]): Promise<string> {
    task.signal.throwIfAborted()
    task.log('debug', `guestfish: ${words.join(' ')}`)
    const from = (await this.#said.stat()).size
    const marker = randomBytes(16).toString('hex') // no guest can know it
    this.#output = ''
    const stop = (): void => {
      this.#child.kill('SIGTERM')
      this.#wake()
    }
    task.signal.addEventListener('abort', stop)
    try {
      // with the dash an error is no reason to end
      this.#child.stdin?.write(`-${words.map(quoted).join(' ')}\necho ${marker}\n`)
      const end = `${marker}\n`
      while (!this.#output.endsWith(end) && !this.#hasEnded && !task.signal.aborted)
        await new Promise<void>((resolve) => (this.#wake = resolve))
    } finally {
      task.signal.removeEventListener('abort', stop)
    }
    task.signal.throwIfAborted()
    const error = await this.#error(words, from)
    if (error !== undefined) throw error
    return this.#output.slice(0, -marker.length - 1)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end('exit\n')
    const hard = setTimeout(() => this.#child.kill('SIGKILL'), END_GRACE_MS)
    await this.#ended
    clearTimeout(hard)
    await this.#said.close()
  }

  #take(text: string): void {
    this.#output += text
    if (this.#output.length > MAX_OUTPUT) this.#child.kill('SIGTERM')
    this.#wake()
  }

  async #error(words: readonly string[], from: number): Promise<LagoError | undefined> {
    if (this.#isMissing)
      return new LagoError('LAGO_COMMAND_MISSING', 'the program "guestfish" is not on this host', {
        hint: LIBGUESTFS_HINT,
        data: { program: 'guestfish' },
      })
    const { buffer, bytesRead } = await this.#said.read(Buffer.alloc(MAX_SAID), 0, MAX_SAID, from)
    const said = buffer.toString('utf8', 0, bytesRead).trim()
    if (!this.#hasEnded && !ERROR.test(said)) return undefined
    const why = firstLine(said) ?? 'guestfish ended'
    const data = { command: words[0], said }
    if (/no space left on device/i.test(said))
      return new LagoError('LAGO_NO_SPACE', `the disk is full: ${this.workDir}: ${why}`, { hint: NO_SPACE_HINT, data })
    return new LagoError('LAGO_DISK_UNREADABLE', `libguestfs could not ${words[0]}: ${why}`, {
      hint: 'see what libguestfs-test-tool says, or start the VM',
      data,
    })
  }
}

export const LIBGUESTFS_HINT =
  'install the package libguestfs-tools (guestfs-tools on Fedora and its kin), or start the VM'

/** Only errors are to be said. `direct`: libvirt would want to run the machine as another user. */
const ENV = { LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_DEBUG: '0', LIBGUESTFS_TRACE: '0', LC_ALL: 'C' }

const MAX_SAID = 64 * 1024
const ERROR = /: error: |^guestfish: |: (unknown command|command arguments)/m

function firstLine(said: string): string | undefined {
  const lines = said.split('\n').filter((line) => ERROR.test(line))
  return lines.at(-1)?.replace(/^.*?error: /, '') // the last is what all the others led to
}

/** guestfish(1), "ESCAPE SEQUENCES IN DOUBLE QUOTED ARGUMENTS". */
function quoted(word: string): string {
  const bytes = [...Buffer.from(word)].map((byte) => {
    const char = String.fromCharCode(byte)
    return /[\w/.:-]/.test(char) ? char : `\\x${byte.toString(16).padStart(2, '0')}`
  })
  return /^[\w-]+(:\w+)?$/.test(word) ? word : `"${bytes.join('')}"`
}
