/** One VM's connection, kept over many commands and made anew when it has gone with the guest. */
import { isLagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { unlessAborted } from '../base/unless-aborted.js'
import type { Guest } from '../guest/guest.js'

export interface GuestLine {
  readonly vm: string
  /** Runs `work` with the guest; the first one connects. */
  use<T>(task: Task, work: (guest: Guest, task: Task) => Promise<T>): Promise<T>
  /** The guest runs on, but not from where the connection knew it: the next command makes a new one. */
  renew(): Promise<void>
  /** The guest has ended: the next command looks for it from the beginning. */
  drop(): Promise<void>
}

/** A connection is a process, and ours does not end while it has one: a program may forget to close. */
const IDLE_MS = 10_000

export function createGuestLine(
  vm: string,
  reach: (task: Task) => Promise<Guest>,
  idleMs: number = IDLE_MS,
): GuestLine {
  let current: Connecting | undefined
  let users = 0
  let idle: NodeJS.Timeout | undefined

  const connect = async (task: Task): Promise<Guest> => {
    const mine: Connecting = { reached: reach(task), guest: undefined }
    current = mine
    try {
      mine.guest = await mine.reached
      return mine.guest
    } catch (error) {
      if (current === mine) current = undefined
      throw error
    }
  }
  /** Whoever comes while another connects waits for that, but not for longer than itself wants to. */
  const guestFor = async (task: Task): Promise<Guest> => {
    for (;;) {
      if (current === undefined) return connect(task)
      const guest =
        current.guest ??
        (await unlessAborted(
          task.signal,
          current.reached.catch(() => undefined),
        ))
      if (guest !== undefined) return guest
    }
  }
  const drop = async (): Promise<void> => {
    clearTimeout(idle)
    const dropped = current
    current = undefined
    if (dropped?.guest !== undefined) await dropped.guest[Symbol.asyncDispose]()
    else
      void dropped?.reached.then(
        async (guest) => guest[Symbol.asyncDispose](),
        () => undefined, // whoever asked for it is told
      )
  }
  return {
    vm,
    async use(task, work) {
      const guest = await guestFor(task)
      clearTimeout(idle)
      users++
      try {
        return await work(guest, task)
      } catch (error) {
        if (isLagoError(error, 'LAGO_GUEST_UNREACHABLE')) await drop()
        throw error
      } finally {
        users--
        if (users === 0) idle = setTimeout(() => void guest.disconnect().catch(() => undefined), idleMs).unref()
      }
    },
    async renew() {
      clearTimeout(idle)
      await current?.guest?.disconnect()
    },
    drop,
  }
}

interface Connecting {
  readonly reached: Promise<Guest>
  guest: Guest | undefined
}
