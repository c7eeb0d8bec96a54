/** Ctrl-C and friends as an abort signal. */
import { LagoError } from '../base/errors.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

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
 */
export function abortOnSignals(source: SignalSource): AbortSignal {
  const abort = new AbortController()
  for (const name of SIGNALS) {
    source.on(name, () => {
      if (!abort.signal.aborted)
        return abort.abort(new LagoError('LAGO_CANCELLED', `cancelled by ${name}`, { data: { signal: name } }))
      source.removeAllListeners(name)
      source.kill(source.pid, name)
    })
  }
  return abort.signal
}
