/** Bytes that can be read at any place: an image, a partition of it. */
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'

export interface BlockSource {
  readonly sizeBytes: number
  /** Exactly `length` bytes. Throws `LAGO_DISK_UNREADABLE` beyond the end. */
  read(task: Task, offset: number, length: number): Promise<Buffer>
}

/** A part of `source` as a source of its own. */
export function partOf(source: BlockSource, offset: number, sizeBytes: number): BlockSource {
  const size = Math.max(0, Math.min(sizeBytes, source.sizeBytes - offset))
  return {
    sizeBytes: size,
    async read(task, at, length) {
      if (at < 0 || length < 0 || at + length > size) throw beyondEnd(at, length, size)
      return source.read(task, offset + at, length)
    },
  }
}

export function beyondEnd(at: number, length: number, size: number): LagoError {
  return new LagoError('LAGO_DISK_UNREADABLE', `${length} bytes at ${at} are beyond the end of the disk, at ${size}`)
}
