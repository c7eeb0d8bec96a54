/** The body of an answer, as long as it does not fall silent. */
import { performance } from 'node:perf_hooks'
import type { Request } from 'got'
import type { Task } from '../../base/task.js'
import { DownloadFailure } from './failure.js'
import { networkFailure, placeOf, TIMEOUT_HINT, type Peer } from './network-failure.js'

/** Enough to be no silence: a server that lets bytes drip would be waited for without end. */
const SILENCE_BYTES = 4096

/**
 * To be read once. Throws a `DownloadFailure` when it breaks off, or fewer than 4 KiB come within `silenceMs` of waiting:
 * time in which the reader has not asked for more does not count. Stops with the task, whose abort ends the stream.
 */
export async function* readBody(task: Task, stream: Request, peer: Peer, silenceMs: number): AsyncGenerator<Buffer> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer> // no encoding is set
  let quietMs = 0
  let quietBytes = 0
  const fallSilent = (): void => {
    const message = `${placeOf(peer)} fell silent: ${quietBytes} bytes within ${silenceMs / 1000} s`
    stream.destroy(new DownloadFailure('timeout', message, { hint: TIMEOUT_HINT }))
  }
  try {
    for (;;) {
      const timer = setTimeout(fallSilent, Math.max(0, silenceMs - quietMs))
      const from = performance.now()
      const next = await chunks.next().finally(() => clearTimeout(timer))
      if (next.done) return
      quietMs += performance.now() - from
      quietBytes += next.value.length
      if (quietBytes >= SILENCE_BYTES) quietMs = quietBytes = 0
      yield next.value
    }
  } catch (error) {
    task.signal.throwIfAborted()
    throw networkFailure(error, peer, stream.response)
  }
}
