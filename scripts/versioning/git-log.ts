/** One `git log`, read while it comes: fields end with NUL, which neither names nor messages can have. */
import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { LagoError } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'
import { startGit } from './git.js'
import type { Repository } from './repository.js'

export interface LogOptions {
  /** Placeholders of git-log(1), one per field: `%H`, `%B`. */
  readonly fields: readonly string[]
  readonly firstParent: boolean
}

/**
 * Gives the fields of each commit that HEAD reaches, newest first in git's own order.
 *
 * git turns texts whose commit names an encoding into UTF-8; of the others what is no UTF-8 is taken for Latin-1.
 * Throws `LAGO_COMMAND_FAILED` when git cannot read on.
 */
export async function* readLog(
  task: Task,
  { dir, head }: Repository,
  { fields, firstParent }: LogOptions,
): AsyncGenerator<readonly string[]> {
  task.signal.throwIfAborted()
  const format = `--format=tformat:${fields.join('%x00')}`
  const shape = firstParent ? ['--first-parent'] : []
  const args = ['log', '-z', '--encoding=UTF-8', '--no-show-signature', '--no-decorate', ...shape, format, head, '--']
  const program = startGit(dir, args)
  const stop = (): void => program.end()
  task.signal.addEventListener('abort', stop, { once: true })
  try {
    const said = text(program.stderr)
    program.stdin.end()
    yield* grouped(splitAtNul(program.stdout), fields.length)
    const exitCode = await program.ended
    task.signal.throwIfAborted()
    if (exitCode !== 0) throw logFailed(dir, exitCode, (await said).trim().replaceAll('\n', '; '))
  } finally {
    task.signal.removeEventListener('abort', stop)
    if (!program.hasEnded) program.end()
  }
}

function logFailed(dir: string, exitCode: number, said: string): LagoError {
  return new LagoError('LAGO_COMMAND_FAILED', `git log in ${dir} ended with exit code ${exitCode}: ${said}`, {
    hint: `git -C ${dir} fsck tells what is missing`,
  })
}

async function* grouped(fields: AsyncIterable<string>, size: number): AsyncGenerator<readonly string[]> {
  let group: string[] = []
  for await (const field of fields) {
    group.push(field)
    if (group.length < size) continue
    yield group
    group = []
  }
}

async function* splitAtNul(stream: Readable): AsyncGenerator<string> {
  let begun: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(0); end !== -1; end = chunk.indexOf(0, start)) {
      begun.push(chunk.subarray(start, end))
      yield decoded(begun)
      begun = []
      start = end + 1
    }
    if (start < chunk.length) begun.push(chunk.subarray(start))
  }
}

function decoded(pieces: readonly Buffer[]): string {
  const bytes = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')
}
