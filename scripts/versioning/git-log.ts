/** One `git log`, read while it comes: fields end with NUL, which neither names nor messages can have. */
import { isUtf8 } from 'node:buffer'
import { text } from 'node:stream/consumers'
import { LagoError } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'
import { fsckHint, startGit } from './git.js'
import type { Repository } from './repository.js'

export interface LogOptions {
  /** Placeholders of git-log(1), one per field: `%H`, `%B`. */
  readonly fields: readonly string[]
  readonly firstParent: boolean
}

/**
 * Calls `each` with the fields of each commit that HEAD reaches, by commit time, newest first; whatever clocks said, no
 * parent comes before one of its children.
 *
 * git turns texts whose commit names an encoding into UTF-8; of the others what is no UTF-8 is taken for Latin-1.
 * Throws `LAGO_COMMAND_FAILED` when git cannot read on.
 */
export async function readLog(
  task: Task,
  { dir, head }: Repository,
  { fields, firstParent }: LogOptions,
  each: (fields: readonly string[]) => void,
): Promise<void> {
  task.signal.throwIfAborted()
  const format = `--format=tformat:${fields.join('%x00')}`
  const shape = firstParent ? ['--first-parent'] : ['--date-order']
  const args = ['log', '-z', '--encoding=UTF-8', '--no-show-signature', '--no-decorate', ...shape, format, head, '--']
  const program = startGit(dir, args)
  const stop = (): void => program.end()
  task.signal.addEventListener('abort', stop, { once: true })
  try {
    const said = text(program.stderr)
    program.stdin.end()
    const split = createSplitter(fields.length, each)
    for await (const chunk of program.stdout as AsyncIterable<Buffer>) split(chunk)
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
    hint: fsckHint(dir),
  })
}

/** Takes what comes piece by piece; calls `each` with every `size` fields. */
function createSplitter(size: number, each: (fields: readonly string[]) => void): (chunk: Buffer) => void {
  let begun: Buffer[] = []
  let fields: string[] = []
  return (chunk) => {
    const end = chunk.lastIndexOf(0) + 1
    if (end > 0) {
      fields.push(...fieldsOf(Buffer.concat([...begun, chunk.subarray(0, end)])))
      begun = []
      let done = 0
      for (; done + size <= fields.length; done += size) each(fields.slice(done, done + size))
      fields = fields.slice(done)
    }
    if (end < chunk.length) begun.push(chunk.subarray(end))
  }
}

/** Each ends with NUL. One by one only where one of them is no UTF-8. */
function fieldsOf(bytes: Buffer): string[] {
  if (isUtf8(bytes)) return bytes.toString('utf8').split('\0').slice(0, -1)
  const fields: string[] = []
  for (let start = 0, end = bytes.indexOf(0); end !== -1; start = end + 1, end = bytes.indexOf(0, start)) {
    const field = bytes.subarray(start, end)
    fields.push(field.toString(isUtf8(field) ? 'utf8' : 'latin1'))
  }
  return fields
}
