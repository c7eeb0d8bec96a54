/** One thread with one connection to libvirt, which makes one call at a time. */
import { Worker } from 'node:worker_threads'
import { laneDied, toLagoError } from './errors.js'
import { markHanging } from './hanging.js'
import type { FromLane, LaneCall, LibvirtTarget, ToLane } from './protocol.js'

export interface Lane {
  /** The thread is gone and takes no more calls. */
  readonly ended: boolean
  /** To be called again only when the last call has been answered. Keeps the process alive while it waits. */
  run(call: LaneCall): Promise<unknown>
  /** Closes the connection and ends the thread, after the call in progress. */
  close(): Promise<void>
  /** Fails the call in progress at once; the thread ends when the C function that it is in returns. */
  kill(): void
}

/** Starts the thread, which loads libvirt at once and connects with the first call. */
export function startLane(target: LibvirtTarget): Lane {
  // execArgv: flags of the program, for tests or debugging, are not for this thread
  const worker = new Worker(new URL('./worker.js', import.meta.url), { name: 'libvirt', execArgv: [] })
  let waiting: { call: LaneCall; resolve: (value: unknown) => void; reject: (error: unknown) => void } | undefined
  let crash: unknown
  let ended = false
  let markGone: () => void
  const gone = new Promise<void>((resolve) => (markGone = resolve))

  worker.on('message', (reply: FromLane) => {
    const answered = takeWaiting()
    if (answered === undefined) return
    if (reply.type === 'result') answered.resolve(reply.value)
    else answered.reject(toLagoError(reply.failure, target.uri, answered.call))
  })
  worker.on('error', (error) => (crash = error))
  worker.on('exit', end)
  worker.unref()
  send({ type: 'target', target })

  return {
    get ended() {
      return ended
    },
    async run(call) {
      return new Promise((resolve, reject) => {
        if (waiting !== undefined) throw new Error('unreachable: a lane makes one call at a time')
        waiting = { call, resolve, reject }
        if (ended) return end()
        worker.ref()
        send({ type: 'call', call })
      })
    },
    async close() {
      if (ended) return
      worker.ref()
      send({ type: 'close' })
      await gone
    },
    kill() {
      markHanging()
      void worker.terminate() // ends when the C function returns; nobody can wait for that
      end()
    },
  }

  function send(message: ToLane): void {
    worker.postMessage(message)
  }

  function takeWaiting(): typeof waiting {
    const taken = waiting
    waiting = undefined
    worker.unref()
    return taken
  }

  function end(): void {
    ended = true
    const unanswered = takeWaiting()
    unanswered?.reject(laneDied(unanswered.call, target.uri, crash))
    markGone()
  }
}
