/** On the thread of the event loop: what libvirt tells about domains. */
import {
  VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED,
  VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
  VIR_DOMAIN_EVENT_ID_LIFECYCLE,
} from './constants.js'
import type { DomainHandle } from './ffi.js'
import { LaneError, readFailure } from './last-error.js'
import { lifecycleOf } from './lifecycle.js'
import { openConnection, type LoopLibvirt, type OpenUse } from './loop-connection.js'
import type { LibvirtTarget } from './protocol.js'
import type { DomainEvent } from './types.js'

/** libvirt is asked for the events of all domains, because these may not exist yet. Throws `LaneError`. */
export function watchDomains(
  libvirts: LoopLibvirt,
  target: LibvirtTarget,
  names: readonly string[],
  onEvent: (event: DomainEvent) => void,
): OpenUse<never> {
  const { libvirt, loop, later } = libvirts
  const wanted = new Set(names)
  const connection = openConnection(libvirts, target, ({ message }) =>
    onEvent({ type: 'connection-lost', reason: message }),
  )
  const nameOf = (domain: DomainHandle): string | undefined => {
    const name = loop.virDomainGetName(domain)
    return name !== null && wanted.has(name) ? name : undefined
  }
  const callbacks = {
    lifecycle: loop.callback('lifecycle', (_connect, handle, event, detail) => {
      const domain = nameOf(handle)
      const lifecycle = lifecycleOf(event, detail)
      if (domain !== undefined && lifecycle !== undefined) onEvent({ type: 'lifecycle', domain, ...lifecycle })
      return 0
    }),
    agent: loop.callback('agent', (_connect, handle, state) => {
      const domain = nameOf(handle)
      const connected = state === VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED
      if (domain !== undefined) onEvent({ type: 'agent', domain, connected })
    }),
  }
  const registered: number[] = []

  function close(): void {
    for (const id of registered) loop.virConnectDomainEventDeregisterAny(connection.handle, id)
    connection.close()
    later(() => Object.values(callbacks).forEach((callback) => loop.freeCallback(callback)))
  }

  for (const [event, callback] of [
    [VIR_DOMAIN_EVENT_ID_LIFECYCLE, callbacks.lifecycle],
    [VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, callbacks.agent],
  ] as const) {
    const id = loop.virConnectDomainEventRegisterAny(connection.handle, null, event, callback, null, null)
    if (id < 0) {
      const failure = readFailure(libvirt, 'virConnectDomainEventRegisterAny')
      close()
      throw new LaneError({ kind: 'call', ...failure })
    }
    registered.push(id)
  }
  return { tell: () => undefined, close }
}
