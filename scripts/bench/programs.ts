/** Programs with a limit, each in a process group of its own: Ctrl-C reaches them through us alone, and in order. */
import { spawn, type ChildProcess } from 'node:child_process'
import { open } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Bench } from './context.js'

export const CACHE_DIR = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'lago')
const LAGO_PATH = path.resolve('bin/lago.js')
const LIMIT_MS = 300_000
/** Lago takes back what it has begun before it ends. */
const GRACE_MS = 60_000
const STDERR_CHARS = 2000

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Default: standard input is empty. */
  readonly inputPath?: string
}

/** Gives what the program printed; anything but success is an error with the end of its stderr. */
export async function run(
  { signal }: Pick<Bench, 'signal'>,
  argv: readonly [string, ...string[]],
  { cwd, env, inputPath }: RunOptions = {},
): Promise<string> {
  signal.throwIfAborted()
  const input = inputPath === undefined ? undefined : await open(inputPath, 'r')
  try {
    const [program, ...args] = argv
    const child = spawn(program === 'node' ? process.execPath : program, args, {
      cwd,
      env: { ...process.env, LC_ALL: 'C', ...env },
      stdio: [input?.fd ?? 'ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own
    })
    return await ended(child, argv, signal)
  } finally {
    await input?.close()
  }
}

/** `script` is what a person types, for bash; what varies is in its parameters. */
export async function runInBash(bench: Bench, script: string, parameters: readonly string[]): Promise<string> {
  return run(bench, ['bash', '-e', '-o', 'pipefail', '-c', script, 'bash', ...parameters])
}

export async function lago(bench: Bench, cwd: string, args: readonly string[]): Promise<string> {
  return run(bench, ['node', LAGO_PATH, ...args], { cwd, env: lagoEnv(bench) })
}

/** A store, leases and a repository of the bench's own. */
export function lagoEnv(bench: Pick<Bench, 'place'>): Readonly<Record<string, string>> {
  return {
    LAGO_LEASE_DIR: path.join(bench.place, 'subnets'),
    LAGO__INIT__TEMPLATE_STORE: path.join(bench.place, 'store'),
    LAGO__INIT__TEMPLATE_REPO_PATH: path.join(CACHE_DIR, 'mini-repo', 'template-repo.json'),
    LAGO_PROBE_KERNEL: path.join(CACHE_DIR, 'mini-repo', 'vmlinuz'),
  }
}

async function ended(child: ChildProcess, argv: readonly string[], signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.timeout(LIMIT_MS)
  const either = AbortSignal.any([signal, limit])
  let kill: NodeJS.Timeout | undefined
  const stop = (): void => {
    sendToGroup(child, 'SIGTERM')
    kill = setTimeout(() => sendToGroup(child, 'SIGKILL'), GRACE_MS)
  }
  either.addEventListener('abort', stop, { once: true })
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-STDERR_CHARS)))
  try {
    const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, by) => resolve(code ?? by))
    })
    signal.throwIfAborted()
    if (limit.aborted) throw new Error(`${argv.join(' ')} took longer than ${LIMIT_MS / 1000} s\n${stderr}`)
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}\n${stderr}`)
    return stdout
  } finally {
    clearTimeout(kill)
    either.removeEventListener('abort', stop)
  }
}

function sendToGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name)
  } catch {
    // all of it has ended
  }
}
