/** A stream through a program, as a shell's pipe would have it. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isSystemError, LagoError } from '../base/errors.js'
import { startProgram, type StartedProgram } from '../base/process.js'
import type { Task } from '../base/task.js'

export interface FilterProgram {
  readonly argv: readonly [string, ...string[]]
  readonly package: string
}

/**
 * What the program makes of `input`. It runs while it is read from; whoever stops reading ends it.
 *
 * Throws what `input` throws, `LAGO_COMMAND_MISSING`, `LAGO_COMMAND_FAILED`, or the abort's reason.
 */
export async function* filtered(
  task: Task,
  { argv, package: from }: FilterProgram,
  input: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  task.signal.throwIfAborted()
  task.log('debug', `run: ${argv.join(' ')}`)
  const program = startProgram(argv, { package: from })
  const kill = (): void => program.end('SIGKILL')
  task.signal.addEventListener('abort', kill)
  const complaints: Buffer[] = []
  program.stderr.on('data', (chunk: Buffer) => complaints.push(chunk))
  const fed = feed(program, input, task.signal)
  try {
    yield* program.stdout as AsyncIterable<Buffer> // no encoding is set
    const exitCode = await program.ended
    const feedError = await fed
    task.signal.throwIfAborted()
    // a program that has ended wants no more input; what went wrong with the input itself comes before what that did to it
    if (feedError !== undefined && !isSystemError(feedError, ...WANTS_NO_MORE)) throw feedError
    if (exitCode !== 0) throw filterFailed(argv, exitCode, Buffer.concat(complaints).toString())
  } catch (error) {
    task.signal.throwIfAborted()
    throw error
  } finally {
    task.signal.removeEventListener('abort', kill)
    if (!program.hasEnded) kill()
    await fed
  }
}

const WANTS_NO_MORE = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED']

/** Gives what went wrong, so that nothing is rejected while the output is still being read. */
async function feed(program: StartedProgram, input: AsyncIterable<Buffer>, signal: AbortSignal): Promise<unknown> {
  try {
    await pipeline(Readable.from(input, { objectMode: false }), program.stdin, { signal })
    return undefined
  } catch (error) {
    return error
  }
}

function filterFailed(argv: readonly string[], exitCode: number, stderr: string): LagoError {
  const tail = stderr.trim().split('\n').slice(-5).join('\n')
  return new LagoError('LAGO_COMMAND_FAILED', `${argv.join(' ')} ended with exit code ${exitCode}: ${tail}`, {
    data: { argv, exitCode, stderr: tail },
  })
}
