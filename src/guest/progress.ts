/** Telling how far a transfer is, now and then. */
import { Transform } from 'node:stream'
import type { Task } from '../base/task.js'

const EVERY_MS = 200

/** Passes bytes on and tells the task of them; `totalBytes` undefined: nobody knows. */
export function countBytes(task: Task, totalBytes?: number): Transform {
  let done = 0
  let toldAt = 0
  return new Transform({
    transform(chunk: Buffer, _, next) {
      done += chunk.length
      const now = Date.now()
      if (now - toldAt >= EVERY_MS) {
        toldAt = now
        task.progress(done, totalBytes === undefined ? undefined : Math.max(done, totalBytes), 'bytes')
      }
      next(undefined, chunk)
    },
  })
}
