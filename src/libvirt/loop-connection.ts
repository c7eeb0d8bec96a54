/** A connection on the thread of the event loop, which tells of its own loss. */
import { withCredentials } from './credentials.js'
import type { ConnectHandle, Libvirt } from './ffi.js'
import type { LibvirtLoop } from './ffi-loop.js'
import { LaneError, readFailure } from './last-error.js'
import type { LibvirtFailure, LibvirtTarget } from './protocol.js'

export interface LoopLibvirt {
  readonly libvirt: Libvirt
  readonly loop: LibvirtLoop
  /** Runs when no callback of libvirt's is under way: a callback cannot be freed while it runs. */
  later(action: () => void): void
}

export interface LoopConnection {
  readonly handle: ConnectHandle
  close(): void
}

/** A use of a connection, as long as it is open. */
export interface OpenUse<M> {
  tell(message: M): void
  close(): void
}

/** Throws `LaneError`. */
export function openConnection(
  { libvirt, loop, later }: LoopLibvirt,
  target: LibvirtTarget,
  onLost: (failure: LibvirtFailure) => void,
): LoopConnection {
  const handle = withCredentials(libvirt, target, (auth) => libvirt.virConnectOpenAuth(target.uri, auth, 0))
  if (handle === null) throw new LaneError({ kind: 'noConnection', ...readFailure(libvirt, 'virConnectOpenAuth') })
  const callback = loop.callback('close', (_connect, reason) => {
    const message = REASONS[reason] ?? 'it was closed'
    onLost({ call: 'virConnectRegisterCloseCallback', code: 0, domain: 0, message })
  })
  loop.virConnectRegisterCloseCallback(handle, callback, null, null)
  return {
    handle,
    close() {
      loop.virConnectUnregisterCloseCallback(handle, callback)
      libvirt.virConnectClose(handle)
      later(() => loop.freeCallback(callback))
    },
  }
}

/** libvirt/libvirt-common.h: virConnectCloseReason */
const REASONS: readonly string[] = [
  'the connection failed',
  'the daemon closed the connection',
  'the daemon does not answer any more',
]
