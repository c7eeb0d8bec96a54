import { isLagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'

/** For what goes on until the user ends it: returns at Ctrl-C, and throws the reason of any other abort. */
export async function untilInterrupted({ signal }: Task): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  const reason: unknown = signal.reason
  if (!isLagoError(reason, 'LAGO_CANCELLED') || reason.data['signal'] !== 'SIGINT') throw reason
}
