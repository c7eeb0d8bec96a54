/** A yes/no question on the terminal, or to whatever stands on standard input. */
import type { Readable, Writable } from 'node:stream'
import { LagoError } from '../base/errors.js'

export interface Dialogue {
  readonly stdin: Readable
  readonly stderr: Writable
  readonly signal: AbortSignal
}

/**
 * Prints `question` as it is and reads one line: empty, or beginning with y or Y, means yes (spec 2.1).
 * Throws `LAGO_CONFIRM_REQUIRED` when standard input ends without a line, and the signal's reason when that fires.
 */
export async function confirm(question: string, { stdin, stderr, signal }: Dialogue): Promise<boolean> {
  const { createInterface } = await import('node:readline')
  signal.throwIfAborted()
  stderr.write(question)
  const reader = createInterface({ input: stdin, terminal: false })
  const stop = (): void => reader.close()
  signal.addEventListener('abort', stop)
  try {
    const answer = await new Promise<string | undefined>((resolve) => {
      reader.once('line', resolve)
      reader.once('close', () => resolve(undefined))
    })
    signal.throwIfAborted()
    if (answer === undefined) throw confirmRequired(question)
    return /^(y|$)/i.test(answer.trim())
  } finally {
    signal.removeEventListener('abort', stop)
    reader.close()
  }
}

function confirmRequired(question: string): LagoError {
  return new LagoError('LAGO_CONFIRM_REQUIRED', `no answer to "${question.trim()}"`, {
    hint: 'answer on a terminal, or pass --yes',
  })
}
