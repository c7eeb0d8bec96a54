/**
 * libvirt's event loop in a thread of its own (event-worker.ts). libvirt knows one loop per process, so all connections
 * share the thread. It starts with the first use. From then on libvirt lets the loop serve every connection that the
 * process opens, those of the lanes too (their keepalives), so the thread runs until the last `LibvirtConnection` is
 * closed.
 */
import { closeSync, writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { laneDied, toLagoError } from './errors.js'
import type { FromLoop, FromUse, LoopRequest, ToLoop, ToUse } from './loop-protocol.js'
import type { LibvirtTarget } from './protocol.js'

/** One user's share of the thread. */
export interface EventLoop {
  /**
   * Rejects with the signal's reason as soon as the task is aborted; what was opened is closed again then.
   * Throws `LAGO_LIBVIRT_CONNECT`, `LAGO_LIBVIRT`.
   */
  open(task: Task, request: LoopRequest, onMessage: (message: FromUse) => void): Promise<LoopUse>
  /** Ends all uses. May be called twice. */
  close(): Promise<void>
}

export interface LoopUse {
  tell(message: ToUse): void
  /** May be called twice. */
  close(): Promise<void>
}

/** Touches nothing yet. `onMessage` is also told `ended` when the thread dies. */
export function joinEventLoop(target: LibvirtTarget): EventLoop {
  users++
  const uses = new Set<LoopUse>()
  let closing: Promise<void> | undefined

  async function leave(): Promise<void> {
    await Promise.all([...uses].map(async (use) => use.close()))
    if (--users === 0) await stopThread()
  }

  return {
    async open(task, request, onMessage) {
      task.signal.throwIfAborted()
      if (closing !== undefined) throw new Error('the libvirt connection is closed')
      thread ??= startThread()
      const use = await thread.open(task, target, request, onMessage)
      const counted: LoopUse = {
        tell: (message) => use.tell(message),
        async close() {
          uses.delete(counted)
          await use.close()
        },
      }
      uses.add(counted)
      return counted
    },
    async close() {
      closing ??= leave()
      await closing
    },
  }
}

/** How long a thread that hangs in libvirt is waited for. */
const CLOSE_LIMIT_MS = 10_000

let users = 0
let thread: Thread | undefined

async function stopThread(): Promise<void> {
  const stopped = thread
  thread = undefined
  await stopped?.stop()
}

interface Thread {
  open(task: Task, target: LibvirtTarget, request: LoopRequest, onMessage: (message: FromUse) => void): Promise<LoopUse>
  stop(): Promise<void>
}

/** What the main thread knows of a use. */
interface UseState {
  readonly target: LibvirtTarget
  readonly request: LoopRequest
  readonly onMessage: (message: FromUse) => void
  readonly opening: Deferred
  readonly closing: Deferred
}

function startThread(): Thread {
  const worker = new Worker(new URL('./event-worker.js', import.meta.url), { name: 'libvirt events', execArgv: [] })
  const states = new Map<number, UseState>()
  const gone = deferred()
  let lastUse = 0
  let wakeFd: number | undefined
  let crash: unknown

  worker.on('message', (message: FromLoop) => {
    if (message.type === 'ready') {
      wakeFd = message.wakeFd
      wake()
    } else take(message)
  })
  worker.on('error', (error) => (crash = error))
  worker.on('exit', () => {
    giveUp()
    if (wakeFd !== undefined) closeSync(wakeFd)
    wakeFd = undefined
    gone.resolve()
  })
  worker.unref()

  function post(message: ToLoop): void {
    worker.postMessage(message)
    wake()
  }

  function wake(): void {
    if (wakeFd !== undefined) writeSync(wakeFd, ONE)
  }

  function take(message: Exclude<FromLoop, { type: 'ready' }>): void {
    const state = states.get(message.use)
    if (state === undefined) return
    switch (message.type) {
      case 'opened':
        return state.opening.resolve()
      case 'failed':
        forget(message.use)
        return state.opening.reject(toLagoError(message.failure, state.target.uri, state.request))
      case 'told':
        return state.onMessage(message.message)
      case 'closed':
        forget(message.use)
        return state.closing.resolve()
    }
  }

  function forget(use: number): void {
    states.delete(use)
    if (states.size === 0) worker.unref()
  }

  /** What waits for the thread is answered now, and nobody gives it more to do. */
  function giveUp(): void {
    if (thread === self) thread = undefined
    const message = crash === undefined ? 'the thread of the event loop ended' : messageOf(crash)
    for (const [use, { target, request, opening, closing, onMessage }] of states) {
      forget(use)
      const failure = { kind: 'noLibrary', message } as const
      opening.reject(
        wakeFd === undefined ? toLagoError(failure, target.uri, request) : laneDied(request, target.uri, crash),
      )
      onMessage({ type: 'ended', failure })
      closing.resolve()
    }
  }

  const self: Thread = {
    async open(task, target, request, onMessage) {
      const use = ++lastUse
      const state: UseState = { target, request, onMessage, opening: deferred(), closing: deferred() }
      const abort = (): void => {
        post({ type: 'close', use })
        state.opening.reject(task.signal.reason)
      }
      states.set(use, state)
      worker.ref()
      post({ type: 'open', use, target, request })
      task.signal.addEventListener('abort', abort)
      await state.opening.promise.finally(() => task.signal.removeEventListener('abort', abort))
      return {
        tell(message) {
          if (states.has(use)) post({ type: 'tell', use, message })
        },
        async close() {
          if (states.has(use)) post({ type: 'close', use })
          else state.closing.resolve()
          await withLimit(state.closing.promise)
        },
      }
    },

    async stop() {
      worker.ref()
      post({ type: 'stop' })
      if (await withLimit(gone.promise)) return
      void worker.terminate() // ends when the C function returns; nobody can wait for that
      worker.unref()
      giveUp()
    },
  }
  return self
}

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer)

/** False after the limit. */
async function withLimit(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), CLOSE_LIMIT_MS)))
  return Promise.race([work.then(() => true), limit]).finally(() => clearTimeout(timer))
}

interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

function deferred(): Deferred {
  let [resolve, reject]: [() => void, (error: unknown) => void] = [() => undefined, () => undefined]
  const promise = new Promise<void>((...settle) => ([resolve, reject] = settle))
  promise.catch(() => undefined) // rejected where nobody waits, it is nobody's
  return { promise, resolve: () => resolve(), reject: (error) => reject(error) }
}
