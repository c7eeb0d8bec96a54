/**
 * On the thread of the event loop: the console of a domain, as a stream that never blocks. The guest is always read:
 * libvirt would otherwise keep all that it prints in memory. What nobody takes is dropped from a limit on.
 */
import {
  VIR_DOMAIN_CONSOLE_FORCE,
  VIR_STREAM_EVENT_ERROR,
  VIR_STREAM_EVENT_HANGUP,
  VIR_STREAM_EVENT_READABLE,
  VIR_STREAM_EVENT_WRITABLE,
  VIR_STREAM_NONBLOCK,
} from './constants.js'
import type { DomainHandle } from './ffi.js'
import type { StreamHandle } from './ffi-loop.js'
import { LaneError, readFailure } from './last-error.js'
import { openConnection, type LoopConnection, type LoopLibvirt, type OpenUse } from './loop-connection.js'
import type { FromUse, ToUse } from './loop-protocol.js'
import type { LaneFailure, LibvirtTarget } from './protocol.js'

export interface ConsoleRequest {
  readonly target: LibvirtTarget
  readonly domain: string
  /** Ends the session of another. */
  readonly force: boolean
}

const UNREAD_LIMIT_BYTES = 4 * 1024 * 1024
const CHUNK_BYTES = 64 * 1024
const WOULD_BLOCK = -2

/** Throws `LaneError`. */
export function openConsoleStream(
  libvirts: LoopLibvirt,
  request: ConsoleRequest,
  post: (message: FromUse) => void,
): OpenUse<ToUse> {
  const { loop, libvirt, later } = libvirts
  const connection = openConnection(libvirts, request.target, (failure) => end({ kind: 'noConnection', ...failure }))
  const handles = openHandles(libvirts, connection, request)
  const { stream } = handles
  const buffer = new Uint8Array(CHUNK_BYTES)
  const unsent: Uint8Array[] = []
  let unreadBytes = 0
  let skippedBytes = 0
  let hasEnded = false

  const callback = loop.callback('stream', (_stream, events) => {
    receive()
    if (events & VIR_STREAM_EVENT_WRITABLE) send()
    if (events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)) end(undefined)
  })
  if (loop.virStreamEventAddCallback(stream, BASE_EVENTS, callback, null, null) < 0) {
    const failure = readFailure(libvirt, 'virStreamEventAddCallback')
    close()
    throw new LaneError({ kind: 'call', ...failure })
  }

  function receive(): void {
    while (!hasEnded) {
      const size = loop.virStreamRecv(stream, buffer, buffer.length)
      if (size === WOULD_BLOCK) return
      if (size === 0) return end(undefined)
      if (size < 0) return end({ kind: 'call', ...readFailure(libvirt, 'virStreamRecv') })
      if (unreadBytes + size > UNREAD_LIMIT_BYTES) skippedBytes += size
      else pass(buffer.slice(0, size))
    }
  }

  function pass(data: Uint8Array): void {
    unreadBytes += data.length
    post({ type: 'data', data, skippedBytes })
    skippedBytes = 0
  }

  function send(): void {
    for (let data = unsent[0]; data !== undefined && !hasEnded; data = unsent[0]) {
      const size = loop.virStreamSend(stream, data, Math.min(data.length, CHUNK_BYTES))
      if (size === WOULD_BLOCK) break
      if (size < 0) return end({ kind: 'call', ...readFailure(libvirt, 'virStreamSend') })
      if (size < data.length) unsent[0] = data.subarray(size)
      else {
        unsent.shift()
        post({ type: 'written' })
      }
    }
    const wanted = unsent.length > 0 ? BASE_EVENTS | VIR_STREAM_EVENT_WRITABLE : BASE_EVENTS
    if (!hasEnded) loop.virStreamEventUpdateCallback(stream, wanted)
  }

  function end(failure: LaneFailure | undefined): void {
    if (hasEnded) return
    hasEnded = true
    loop.virStreamEventRemoveCallback(stream)
    if (skippedBytes > 0) pass(new Uint8Array(0))
    post({ type: 'ended', failure })
  }

  function close(): void {
    if (!hasEnded) loop.virStreamEventRemoveCallback(stream)
    hasEnded = true
    loop.virStreamAbort(stream)
    handles.free()
    connection.close()
    later(() => loop.freeCallback(callback))
  }

  return {
    tell(message) {
      if (message.type === 'taken') {
        unreadBytes -= message.bytes
        return
      }
      unsent.push(message.data)
      send()
    },
    close,
  }
}

const BASE_EVENTS = VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP

interface ConsoleHandles {
  readonly domain: DomainHandle
  readonly stream: StreamHandle
  free(): void
}

/** Closes the connection when it fails. */
function openHandles(
  { libvirt, loop }: LoopLibvirt,
  connection: LoopConnection,
  { domain: name, force }: ConsoleRequest,
): ConsoleHandles {
  const frees: (() => unknown)[] = []
  const free = (): void => frees.splice(0).forEach((action) => action())
  const got = <T>(value: T | null, call: string): T => {
    if (value !== null) return value
    const failure = readFailure(libvirt, call)
    free()
    connection.close()
    throw new LaneError({ kind: 'call', ...failure })
  }
  const domain = got(libvirt.virDomainLookupByName(connection.handle, name), 'virDomainLookupByName')
  frees.unshift(() => libvirt.virDomainFree(domain))
  const stream = got(loop.virStreamNew(connection.handle, VIR_STREAM_NONBLOCK), 'virStreamNew')
  frees.unshift(() => loop.virStreamFree(stream))
  const opened = loop.virDomainOpenConsole(domain, null, stream, force ? VIR_DOMAIN_CONSOLE_FORCE : 0)
  got(opened < 0 ? null : opened, 'virDomainOpenConsole')
  return { domain, stream, free }
}
