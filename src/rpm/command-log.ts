/** A file with the commands that were run for one purpose, and all that they said. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { isSystemError } from '../base/errors.js'

export interface CommandLog extends AsyncDisposable {
  /** Absolute. */
  readonly path: string
  /** Notes the command that runs from here on. */
  begin(argv: readonly string[]): void
  write(text: string): void
  /** What the last command said at its end, at most ten lines. */
  lastLines(): string
}

const LINES = 10
/** Of what is kept for `lastLines`. */
const KEPT_LENGTH = 10_000

/** What was in the file before is gone. */
export async function openCommandLog(path: string): Promise<CommandLog> {
  const fd = openSync(path, 'w', 0o644)
  let end = ''
  const append = (text: string): void => {
    try {
      writeSync(fd, text)
    } catch (error) {
      if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) throw error // the command itself will tell
    }
  }
  return {
    path,
    begin(argv) {
      end = ''
      append(`$ ${argv.join(' ')}\n`)
    },
    write(text) {
      end = (end + text).slice(-KEPT_LENGTH)
      append(text)
    },
    lastLines: () => end.trimEnd().split('\n').slice(-LINES).join('\n'),
    [Symbol.asyncDispose]: async () => closeSync(fd),
  }
}
