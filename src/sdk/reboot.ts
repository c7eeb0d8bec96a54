/** Reboots that are waited for: a guest has rebooted when it runs commands and its boot is another one. */
import { isLagoError, LagoError, messageOf } from '../base/errors.js'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { waitUntil, type Probe } from '../base/wait.js'
import type { GuestLine } from './guest-line.js'

export interface Reboot {
  /** To the guests that are waited for. */
  readonly lines: readonly GuestLine[]
  /** Asks them to reboot, and others that are not waited for. */
  readonly ask: () => Promise<void>
  readonly timeoutMs: number
}

const EVERY_MS = 500

/** Throws `LAGO_SHUTDOWN` with those that did not, what `ask` throws, and `LAGO_GUEST_UNREACHABLE` before asking. */
export async function reboot(task: Task, { lines, ask, timeoutMs }: Reboot): Promise<void> {
  const startedAt = performance.now()
  const together = { limit: Infinity } // all have the same time
  const askBoot = async (line: GuestLine, task: Task): Promise<string | undefined> =>
    task.within(timeoutMs, `asking ${line.vm} for its boot`, async (task) => bootOf(task, line))
  const before = await fanOut(task, lines, askBoot, together)
  await ask()
  const leftMs = Math.max(EVERY_MS, timeoutMs - (performance.now() - startedAt))
  const awaitBoot = async (line: GuestLine, task: Task): Promise<void> =>
    awaitOtherBoot(task, line, before[lines.indexOf(line)], leftMs).catch((error: unknown) => {
      task.signal.throwIfAborted()
      throw isLagoError(error, 'LAGO_TIMEOUT') ? notRebooted(line, timeoutMs, error) : error
    })
  await fanOut(task, lines, awaitBoot, together)
}

async function awaitOtherBoot(
  task: Task,
  line: GuestLine,
  before: string | undefined,
  timeoutMs: number,
): Promise<void> {
  const what = `reboot of ${line.vm}`
  const probe = async (task: Task): Promise<Probe<true>> => {
    try {
      return (await bootOf(task, line)) === before ? { notYet: 'it has not gone down' } : { value: true }
    } catch (error) {
      if (!isLagoError(error, 'LAGO_GUEST_UNREACHABLE')) throw error
      return { notYet: messageOf(error) }
    }
  }
  const limitMs = timeoutMs + EVERY_MS // for a try that hangs: the wait ends before it, and tells its tries
  await task.within(limitMs, what, async (task) => waitUntil(task, what, probe, { timeoutMs, everyMs: EVERY_MS }))
}

/** Linux makes a new one for each boot, see random(4); FreeBSD and its kin tell the time of the boot. */
const BOOT_ID = 'cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime'

async function bootOf(task: Task, line: GuestLine): Promise<string> {
  return line.use(task, async (guest, task) => {
    const { exitCode, stdout } = await guest.run(task, BOOT_ID)
    if (exitCode === 0 && stdout.trim() !== '') return stdout.trim()
    throw new LagoError('LAGO_SHUTDOWN', `${line.vm} does not tell one boot from another: it has no boot id`, {
      hint: 'stop and start it instead',
      data: { vm: line.vm, exitCode },
    })
  })
}

function notRebooted({ vm }: GuestLine, timeoutMs: number, cause: LagoError): LagoError {
  return new LagoError('LAGO_SHUTDOWN', `${vm} did not reboot within ${timeoutMs / 1000} s: ${cause.message}`, {
    hint: `its console: lago console ${vm} --log`,
    data: { vm, timeoutMs },
    cause,
  })
}
