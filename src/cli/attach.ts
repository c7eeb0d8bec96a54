/** Standard input and output wired to a stream both ways, with a key that leaves. */
import type { Duplex } from 'node:stream'
import type { Task } from '../base/task.js'
import type { StandardStreams } from './command.js'
import { beforeEscape, type EscapeKey } from './escape-key.js'
import { rawTerminal, type ExitSource } from './raw-terminal.js'

/**
 * Until the key is hit, the stream ends or fails, or nobody reads standard output any more. Without a terminal there is
 * no key, and the end of standard input ends nothing: what the other side says is printed on.
 */
export async function attach(
  task: Task,
  { stdin, stdout }: StandardStreams,
  options: { readonly stream: Duplex; readonly escape: EscapeKey; readonly source: ExitSource },
): Promise<'escaped' | 'ended'> {
  const { stream, escape, source } = options
  task.signal.throwIfAborted()
  using _raw = rawTerminal(stdin, source)
  const cleanUps: (() => void)[] = []
  try {
    return await new Promise((resolve, reject) => {
      const on = (emitter: NodeJS.EventEmitter, event: string, listener: (chunk: Uint8Array) => void): void => {
        emitter.on(event, listener)
        cleanUps.push(() => emitter.off(event, listener))
      }
      const abort = (): void => reject(task.signal.reason)
      task.signal.addEventListener('abort', abort)
      cleanUps.push(() => task.signal.removeEventListener('abort', abort))

      on(stream, 'data', (chunk: Uint8Array) => {
        if (!stdout.write(chunk)) stream.pause()
      })
      on(stdout, 'drain', () => stream.resume())
      on(stdout, 'error', () => resolve('ended'))
      on(stream, 'end', () => resolve('ended'))
      stream.on('error', reject) // stays: one that comes while all is being closed is nobody's

      on(stdin, 'data', (chunk: Uint8Array) => {
        const { typed, escaped } = stdin.isTTY === true ? beforeEscape(chunk, escape) : { typed: chunk, escaped: false }
        if (typed.length > 0 && !stream.write(typed)) stdin.pause()
        if (escaped) resolve('escaped')
      })
      on(stream, 'drain', () => stdin.resume())
      stdin.resume()
    })
  } finally {
    for (const cleanUp of cleanUps) cleanUp()
    stdin.pause()
  }
}
