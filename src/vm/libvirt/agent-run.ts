/** A program in a guest, started and asked after through the guest agent. */
import type { Task } from '../../base/task.js'
import { waitUntil } from '../../base/wait.js'
import type { QemuCommand } from '../../libvirt/types.js'
import type { AgentRun } from '../provider.js'
import { isRunStatus, isStarted, type RunStatus } from './agent-answer.js'

/** Puts one question, and gives an answer that `isMeant` knows. */
export type AskAgent = <T>(task: Task, command: QemuCommand, isMeant: (answer: unknown) => answer is T) => Promise<T>

export interface RunRequest {
  /** For messages. */
  readonly vm: string
  readonly argv: readonly [string, ...string[]]
  readonly timeoutMs: number
}

/** No event tells that a program has ended. */
const POLL_MS = 100
/** Of each stream; libvirt takes up to 10 MiB for an answer, and the agent keeps 16. */
const MAX_OUTPUT_BYTES = 1024 ** 2

/** By commands that agents have since 2.5. Throws as `GuestAgent.run` does. */
export async function runByAgent(task: Task, ask: AskAgent, { vm, argv, timeoutMs }: RunRequest): Promise<AgentRun> {
  const [path, ...arg] = argv
  const start = { execute: 'guest-exec', arguments: { path, arg, 'capture-output': true } }
  const { pid } = await ask(task, start, isStarted)
  const lookAfter = { execute: 'guest-exec-status', arguments: { pid } }
  return waitUntil(
    task,
    `the end of ${path} in ${vm}`,
    async (task) => {
      const status = await ask(task, lookAfter, isRunStatus)
      return status.exited ? { value: runOf(status) } : { notYet: 'it is running' }
    },
    { timeoutMs, everyMs: POLL_MS },
  )
}

function runOf({ exitcode = 0, signal, 'out-data': out = '', 'err-data': err = '' }: RunStatus): AgentRun {
  const exitCode = signal === undefined ? exitcode : 128 + signal
  return { exitCode, stdout: decoded(out), stderr: decoded(err) }
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').subarray(0, MAX_OUTPUT_BYTES).toString('utf8')
}
