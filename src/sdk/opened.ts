/** A prefix that a program has opened: how its verbs get at the engine, and the connections to its guests. */
import { explainSystemError, isLagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { Guest } from '../guest/guest.js'
import { changePrefix } from '../prefix/change.js'
import { reachGuest } from '../prefix/guests.js'
import type { Host } from '../prefix/host.js'
import { openPrefix, selectVms, type Prefix } from '../prefix/prefix.js'
import type { Undertaking } from '../prefix/under-way.js'
import { createGuestLine, type GuestLine } from './guest-line.js'
import type { Session } from './session.js'

export interface Opened {
  /** Absolute, links resolved. */
  readonly dir: string
  readonly session: Session
  /** As it was when it was opened; names, addresses and keys do not change. */
  readonly prefix: Prefix
  /** For what only looks: no lock. */
  read<T>(work: (task: Task, host: Host, prefix: Prefix) => Promise<T>): Promise<T>
  /** For what changes the prefix: one at a time. */
  change<T>(undertaking: Undertaking, work: (task: Task, host: Host, prefix: Prefix) => Promise<T>): Promise<T>
  /** The same for what ends guests. */
  endGuests<T>(undertaking: Undertaking, work: (task: Task, host: Host, prefix: Prefix) => Promise<T>): Promise<T>
  line(vm: string): GuestLine
  /** The guests are somewhere else in their time; connections are made anew. */
  renewLines(): Promise<void>
  dropLines(vms: readonly string[]): Promise<void>
  readonly isClosed: boolean
  /** Throws when the environment has been closed. */
  task(): Task
  /** Ends the connections and the session. May be called twice. */
  close(): Promise<void>
}

export async function openForProgram(session: Session, dir: string): Promise<Opened> {
  const prefix = await openPrefix(dir)
  session.logTo(prefix.layout.log)
  const lines = new Map<string, GuestLine>()
  let closing: Promise<void> | undefined

  const opened: Opened = {
    dir,
    session,
    prefix,
    async read(work) {
      const task = opened.task()
      return explained(work(task, await session.host(), await openPrefix(dir)))
    },
    async change(undertaking, work) {
      const task = opened.task()
      ;(await session.changingHost()).warmUp()
      const changing = changePrefix(task, dir, { host: session.changingHost, undertaking }, async (prefix) => {
        const host = await session.changingHost() // the change before may have closed it
        try {
          return await work(task, host, prefix)
        } catch (error) {
          // before the lock is freed: libvirt may have a creation to take back
          if (task.signal.aborted || isLagoError(error, 'LAGO_TIMEOUT')) await session.closeChangingHost()
          throw error
        }
      })
      return explained(changing)
    },
    async endGuests(undertaking, work) {
      const { vms = [] } = undertaking
      return opened.change(undertaking, async (task, host, prefix) => {
        await opened.dropLines(vms)
        return work(task, host, prefix).finally(async () => opened.dropLines(vms))
      })
    },
    line(vm) {
      const line = lines.get(vm) ?? createGuestLine(vm, async (task) => reach(opened, task, vm))
      lines.set(vm, line)
      return line
    },
    async renewLines() {
      await Promise.all([...lines.values()].map(async (line) => line.renew()))
    },
    async dropLines(vms) {
      const ended = [...lines.values()].filter((line) => vms.length === 0 || vms.includes(line.vm))
      await Promise.all(ended.map(async (line) => line.drop()))
    },
    get isClosed() {
      return closing !== undefined
    },
    task() {
      if (closing !== undefined) throw new Error(`the environment ${dir} has been closed`)
      return session.task
    },
    async close() {
      closing ??= opened.dropLines([]).then(async () => session[Symbol.asyncDispose]())
      await closing
    },
  }
  return opened
}

/** Errors of the file system in words that a user can act on. */
export async function explained<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw explainSystemError(error)
  })
}

async function reach({ session, prefix }: Opened, task: Task, name: string): Promise<Guest> {
  const [vm] = selectVms(prefix.plan, [name])
  if (vm === undefined) throw new Error(`unreachable: ${name} was selected`)
  return reachGuest(task, await session.host(), prefix, vm)
}
