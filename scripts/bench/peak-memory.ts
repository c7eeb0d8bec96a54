/** The most memory that one run of Lago had resident, all its threads counted; programs that it starts are not. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { readFile } from 'node:fs/promises'
import type { Bench } from './context.js'
import { lagoEnv } from './programs.js'

const EVERY_MS = 20

/** MiB, by the kernel's own mark (VmHWM, proc(5)) as it was last seen before the end. */
export async function peakMemoryOf(bench: Bench, cwd: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [path.resolve('bin/lago.js'), ...args], {
    cwd,
    env: { ...process.env, ...lagoEnv(bench) },
    stdio: 'ignore',
    signal: bench.signal,
  })
  let peakKiB = 0
  const look = async (): Promise<void> => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    peakKiB = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? peakKiB)
  }
  const timer = setInterval(() => void look(), EVERY_MS)
  try {
    const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
    if (code !== 0) throw new Error(`lago ${args.join(' ')} ended with ${String(code)}`)
    return Math.round(peakKiB / 1024)
  } finally {
    clearInterval(timer)
  }
}
