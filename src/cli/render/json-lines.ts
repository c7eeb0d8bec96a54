/** `--events FILE`: every event as it happens, one JSON object a line, for programs that watch a run. */
import { createWriteStream, openSync } from 'node:fs'
import path from 'node:path'
import { finished } from 'node:stream/promises'
import { LagoError, messageOf } from '../../base/errors.js'
import type { EventSink, LagoEvent } from '../../base/events.js'

/** Replaces the file; a relative path starts at `cwd`. Throws `LAGO_USAGE` when it cannot be written; `data` of log events must be plain. */
export function openJsonLines(cwd: string, givenPath: string): EventSink {
  const filePath = path.resolve(cwd, givenPath)
  const stream = createWriteStream(filePath, { fd: openForWriting(filePath) })
  const done = finished(stream).catch(() => undefined) // a disk that fills up must not end the run
  return {
    emit(event) {
      stream.write(`${jsonLine(event)}\n`)
    },
    async close() {
      stream.end()
      await done
    },
  }
}

/** JSON escapes control characters, less DEL and C1, which a terminal obeys as well. */
function jsonLine(event: LagoEvent): string {
  return JSON.stringify(event).replace(
    /[\u007f-\u009f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function openForWriting(filePath: string): number {
  try {
    return openSync(filePath, 'w', 0o600)
  } catch (error) {
    throw new LagoError('LAGO_USAGE', `cannot write events: ${messageOf(error)}`, {
      hint: 'give --events a file in a directory that exists',
      cause: error,
    })
  }
}
