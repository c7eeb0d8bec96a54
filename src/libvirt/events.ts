/** What happens to domains, as libvirt tells it. */
import type { Task } from '../base/task.js'
import type { EventLoop } from './event-loop.js'
import type { DomainEvent } from './types.js'

export async function watchDomains(
  task: Task,
  loop: EventLoop,
  names: readonly string[],
  onEvent: (event: DomainEvent) => void,
): Promise<AsyncDisposable> {
  let isOver = false
  const use = await loop.open(task, { name: 'watchDomains', args: [names] }, (message) => {
    if (isOver) return
    if (message.type === 'event') onEvent(message.event)
    else if (message.type === 'ended')
      onEvent({ type: 'connection-lost', reason: message.failure?.message ?? 'the thread ended' })
  })
  return {
    async [Symbol.asyncDispose]() {
      isOver = true
      await use.close()
    },
  }
}
