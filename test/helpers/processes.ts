import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Task } from '../../src/base/task.js'
import { waitUntil, type Probe } from '../../src/base/wait.js'

/** Whether the process is there; one that nobody has asked for its end yet is not. */
export async function isAlive(pid: string): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  return /\) [^ZX]/.test(state)
}

export async function gone(task: Task, pid: string): Promise<void> {
  const probe = async (): Promise<Probe<true>> => ((await isAlive(pid)) ? { notYet: 'alive' } : { value: true })
  await waitUntil(task, `the end of ${pid}`, probe, { timeoutMs: 10_000, everyMs: 20 })
}

/** Ends a process and all below it, from the top, so that none sees its children end: sshd has some for each connection. */
export async function endTree(root: number): Promise<void> {
  const { stdout } = await promisify(execFile)('ps', ['-e', '-o', 'pid=,ppid='])
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
  const tree = [root]
  for (const pid of tree) tree.push(...pairs.filter(([, parent]) => parent === pid).map(([child]) => child))
  for (const pid of tree) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // ended meanwhile
    }
  }
}
