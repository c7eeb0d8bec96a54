/** A terminal whose keys all go to somebody else, until it is given back. */
import type { StandardStreams } from './command.js'

/** The part of `process` that is needed. */
export interface ExitSource {
  on(event: 'exit' | 'SIGCONT', listener: () => void): unknown
  off(event: 'exit' | 'SIGCONT', listener: () => void): unknown
}

/**
 * Nothing is done for what is no terminal. Given back by disposing of it, and at the latest when the process exits:
 * signals end the verb in good order, see signals.ts.
 */
export function rawTerminal(stdin: StandardStreams['stdin'], source: ExitSource): Disposable {
  if (stdin.isTTY !== true) return { [Symbol.dispose]: () => undefined }
  const giveBack = (): void => void stdin.setRawMode?.(false)
  /** The shell that had the terminal meanwhile has made it its own. */
  const takeAgain = (): void => {
    giveBack()
    stdin.setRawMode?.(true)
  }
  source.on('exit', giveBack)
  source.on('SIGCONT', takeAgain)
  stdin.setRawMode?.(true)
  return {
    [Symbol.dispose]() {
      source.off('exit', giveBack)
      source.off('SIGCONT', takeAgain)
      giveBack()
    },
  }
}
