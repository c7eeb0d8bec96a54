/** Commands in a guest, in the words of tests: what must succeed, what must fail, what will succeed some day. */
import { readFile } from 'node:fs/promises'
import { isLagoError, LagoError, messageOf } from '../base/errors.js'
import { lastLines, plainLine } from '../base/plain-text.js'
import type { Task } from '../base/task.js'
import { waitUntil, type Probe } from '../base/wait.js'
import type { GuestCommand } from '../guest/guest.js'
import { SCRIPT_SHELL } from '../guest/script.js'
import type { GuestLine } from './guest-line.js'
import type { Command, ExecOptions, ExecResult, RunOptions, ScriptOptions, WaitOptions } from './types.js'

const DEFAULT_WAIT_MS = 900_000
const EVERY_MS = 500
/** Of what a command printed; the log and `data` of the error have more. */
const SHOWN_LINES = 10

/** Throws `LAGO_GUEST_COMMAND` with `reject`, `LAGO_TIMEOUT`, and what reaching the guest throws. */
export async function exec(task: Task, line: GuestLine, command: Command, options: ExecOptions): Promise<ExecResult> {
  const result = await run(task, line, command, options)
  if (options.reject === true && result.exitCode !== 0) throw commandError(line, command, result)
  return result
}

export async function succeed(task: Task, line: GuestLine, command: Command, options: RunOptions): Promise<string> {
  return (await exec(task, line, command, { ...options, reject: true })).stdout
}

export async function fail(task: Task, line: GuestLine, command: Command, options: RunOptions): Promise<ExecResult> {
  const result = await run(task, line, command, options)
  if (result.exitCode === 0) throw commandError(line, command, result)
  return result
}

/** The script's text goes over standard input, as `lago deploy` does it; nothing is left in the guest. */
export async function script(
  task: Task,
  line: GuestLine,
  hostPath: string,
  options: ScriptOptions,
): Promise<ExecResult> {
  const input = await readFile(hostPath)
  const result = await run(task, line, SCRIPT_SHELL, { ...options, input })
  if (options.reject === true && result.exitCode !== 0) throw commandError(line, hostPath, result)
  return result
}

/** A guest that cannot be reached may be rebooting; one that does not run stays so. */
export async function waitUntilSucceeds(
  task: Task,
  line: GuestLine,
  command: Command,
  options: WaitOptions,
): Promise<string> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_WAIT_MS
  const what = `success of ${quoted(command)} on ${line.vm}`
  const probe = async (task: Task): Promise<Probe<string>> => {
    try {
      const result = await run(task, line, command, {})
      if (result.exitCode === 0) return { value: result.stdout }
      return { notYet: [`exit code ${result.exitCode}`, ...saidLast(result).slice(-1)].join(': ') }
    } catch (error) {
      if (!isLagoError(error, 'LAGO_GUEST_UNREACHABLE')) throw error
      return { notYet: messageOf(error) }
    }
  }
  return task.within(timeoutMs, what, async (task) => waitUntil(task, what, probe, { timeoutMs, everyMs: EVERY_MS }))
}

async function run(task: Task, line: GuestLine, command: GuestCommand, options: RunOptions): Promise<ExecResult> {
  const { input, timeoutMs } = options
  const body = async (task: Task): Promise<ExecResult> =>
    line.use(task, async (guest, task) => {
      const startedAt = performance.now()
      const result = await guest.run(task, command, input === undefined ? {} : { input })
      const durationMs = Math.round(performance.now() - startedAt)
      task.log('debug', `${guest.vm}: exit code ${result.exitCode} after ${durationMs} ms: ${quoted(command)}`, {
        stdout: tail(result.stdout),
        stderr: tail(result.stderr),
      })
      return { ...result, durationMs }
    })
  return timeoutMs === undefined ? body(task) : task.within(timeoutMs, `${quoted(command)} on ${line.vm}`, body)
}

function commandError({ vm }: GuestLine, command: Command, result: ExecResult): LagoError {
  const { exitCode, stdout, stderr } = result
  const outcome = exitCode === 0 ? 'succeeded, and was to fail' : `failed with exit code ${exitCode}`
  const shown = saidLast(result).map((text) => `\n  ${text}`)
  return new LagoError('LAGO_GUEST_COMMAND', `${quoted(command)} on ${vm} ${outcome}${shown.join('')}`, {
    data: { vm, command, exitCode, stdout: tail(stdout), stderr: tail(stderr) },
  })
}

/** Of what it said on stderr, or of its output when it said nothing there. */
function saidLast({ stdout, stderr }: ExecResult): string[] {
  return lastLines(stderr.trim() === '' ? stdout : stderr, SHOWN_LINES)
}

const KEPT_CHARACTERS = 16_384

function tail(text: string): string {
  return text.slice(-KEPT_CHARACTERS)
}

const SHOWN_COMMAND = 200

function quoted(command: Command): string {
  const text = typeof command === 'string' ? command : command.join(' ')
  return `"${plainLine(text, SHOWN_COMMAND)}${text.length > SHOWN_COMMAND ? '...' : ''}"`
}
