import { readFile } from 'node:fs/promises'
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
