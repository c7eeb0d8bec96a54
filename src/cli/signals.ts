/** Ctrl-C and friends as an abort signal. */
import { LagoError } from '../base/errors.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Signals within this time are one. */
const ECHO_MS = 500

/** The part of `process` that is needed. */
export interface SignalSource {
  readonly pid: number
  on(signal: string, listener: () => void): unknown
  removeAllListeners(signal: string): unknown
  kill(pid: number, signal: string): unknown
}

/**
 * The first signal aborts with a `LAGO_CANCELLED` whose `data.signal` names it, so that what was begun is undone; the
 * second ends the process at once, by the signal itself: `process.exit` would wait for a call in libvirt that hangs.
 *
 * One signal may come several times, as from a terminal and from the shell in it, so a second one counts only some
 * time after the first, and a terminal that went away is nobody who insists.
 */
export function abortOnSignals(source: SignalSource, now: () => number = Date.now): AbortSignal {
  const abort = new AbortController()
  let abortedAt = 0
  for (const name of SIGNALS) {
    source.on(name, () => {
      if (!abort.signal.aborted) {
        abortedAt = now()
        return abort.abort(new LagoError('LAGO_CANCELLED', `cancelled by ${name}`, { data: { signal: name } }))
      }
      if (name === 'SIGHUP' || now() - abortedAt < ECHO_MS) return
      source.removeAllListeners(name)
      source.kill(source.pid, name)
    })
  }
  return abort.signal
}
