/** What can be done in a running guest. How it is reached is the implementation's business. */
import type { Readable, Writable } from 'node:stream'
import type { Task } from '../base/task.js'

export interface Guest extends AsyncDisposable {
  /** Name of the VM, for messages. */
  readonly vm: string
  /** Runs it to its end. An exit code other than 0 is a result. Throws `LAGO_GUEST_UNREACHABLE` without a connection. */
  run(task: Task, command: GuestCommand, options?: GuestRunOptions): Promise<GuestResult>
  /** Begins it, with its streams in the caller's hands. The task's abort ends it. */
  start(task: Task, command: GuestCommand): GuestProcess
  /** The connection is not trusted any more, as after a revert; the next command makes a new one. */
  disconnect(): Promise<void>
}

/** A text goes to the guest's shell as it is; a list of words is quoted for it. */
export type GuestCommand = string | readonly string[]

export interface GuestRunOptions {
  /** Written to standard input; without it standard input is empty. */
  readonly input?: string | Uint8Array
  /** Called with every piece of output as it comes. */
  readonly onOutput?: (text: string, stream: 'stdout' | 'stderr') => void
}

export interface GuestResult {
  /** Of the remote command; 128 + n for signal n. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface GuestProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Settles when the command has ended and its output is read; `stderr` holds at most the last 64 KiB. */
  readonly ended: Promise<{ readonly exitCode: number; readonly stderr: string }>
}
