import { isLagoError } from '../../../base/errors.js'
import type { Task } from '../../../base/task.js'

const LIMIT_MS = 600_000

/**
 * Work that cannot be called back once it has begun: an abort does not cut it short, and its result is given all the
 * same, so that whoever asked for it can take it back.
 */
export async function toItsEnd<T>(task: Task, work: (task: Task) => Promise<T>): Promise<T> {
  task.signal.throwIfAborted()
  return task.shielded(LIMIT_MS, work)
}

/** libvirt has said no, and nothing goes on behind our back; true for no other failure. */
export function hasRefused(error: unknown): boolean {
  return isLagoError(error) && error.data['libvirtCode'] !== undefined
}
