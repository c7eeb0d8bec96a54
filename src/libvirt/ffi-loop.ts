/** What the thread of the event loop calls beside ffi.ts: libvirt's event loop, events and streams (headers of 9.0.0). */
import koffi from 'koffi'
import { LIBVIRT_LIBRARY, VIR_DOMAIN_EVENT_ID_LIFECYCLE } from './constants.js'
import type { ConnectHandle, DomainHandle } from './ffi.js'

export type StreamHandle = bigint & { readonly handle: 'virStream' }

/** The arguments that are looked at. */
export interface LoopCallbacks {
  handle(watch: number, fd: number, events: number): void
  close(connect: ConnectHandle, reason: number): void
  lifecycle(connect: ConnectHandle, domain: DomainHandle, event: number, detail: number): number
  agent(connect: ConnectHandle, domain: DomainHandle, state: number, reason: number): void
  stream(stream: StreamHandle, events: number): void
}

export interface LibvirtLoop {
  /** A function of ours as a pointer, which libvirt may call until it is freed. */
  callback<N extends keyof LoopCallbacks>(name: N, action: LoopCallbacks[N]): bigint
  /** Not while the callback runs. */
  freeCallback(callback: bigint): void

  virEventRegisterDefaultImpl(): number
  /** Waits for one event, or several, and calls the callbacks, on this thread. */
  virEventRunDefaultImpl(): number
  virEventAddHandle(fd: number, events: number, callback: bigint, opaque: null, free: null): number
  virEventRemoveHandle(watch: number): number

  virConnectRegisterCloseCallback(connect: ConnectHandle, callback: bigint, opaque: null, free: null): number
  virConnectUnregisterCloseCallback(connect: ConnectHandle, callback: bigint): number
  virConnectDomainEventRegisterAny(
    connect: ConnectHandle,
    domain: null,
    event: number,
    callback: bigint,
    opaque: null,
    free: null,
  ): number
  virConnectDomainEventDeregisterAny(connect: ConnectHandle, id: number): number
  virDomainGetName(domain: DomainHandle): string | null

  virStreamNew(connect: ConnectHandle, flags: number): StreamHandle | null
  virDomainOpenConsole(domain: DomainHandle, device: string | null, stream: StreamHandle, flags: number): number
  /** Bytes taken; -2: would block; -1: failure. */
  virStreamSend(stream: StreamHandle, data: Uint8Array, size: number): number
  /** Bytes read into `data`; 0: the end; -2: would block; -1: failure. */
  virStreamRecv(stream: StreamHandle, data: Uint8Array, size: number): number
  virStreamEventAddCallback(stream: StreamHandle, events: number, callback: bigint, opaque: null, free: null): number
  virStreamEventUpdateCallback(stream: StreamHandle, events: number): number
  virStreamEventRemoveCallback(stream: StreamHandle): number
  virStreamFinish(stream: StreamHandle): number
  virStreamAbort(stream: StreamHandle): number
  virStreamFree(stream: StreamHandle): number

  /** eventfd(2). */
  eventfd(initial: number, flags: number): number
}

/** eventfd(2): EFD_CLOEXEC | EFD_NONBLOCK on Linux. */
export const EVENTFD_FLAGS = 0o2000000 | 0o4000

/** Named: koffi takes an anonymous prototype for an anonymous struct of ffi.ts, when their numbers meet. */
function callbackTypes(): Readonly<Record<keyof LoopCallbacks, ReturnType<typeof koffi.pointer>>> {
  const domainEvent = ['void *', 'void *', 'int', 'int', 'void *']
  return {
    handle: koffi.pointer(koffi.proto('virEventHandleCallback', 'void', ['int', 'int', 'int', 'void *'])),
    close: koffi.pointer(koffi.proto('virConnectCloseFunc', 'void', ['void *', 'int', 'void *'])),
    lifecycle: koffi.pointer(koffi.proto('virConnectDomainEventCallback', 'int', domainEvent)),
    agent: koffi.pointer(koffi.proto('virConnectDomainEventAgentLifecycleCallback', 'void', domainEvent)),
    stream: koffi.pointer(koffi.proto('virStreamEventCallback', 'void', ['void *', 'int', 'void *'])),
  }
}

/** Throws a plain `Error` when the library cannot be loaded. */
export function loadLibvirtLoop(fileName = LIBVIRT_LIBRARY): LibvirtLoop {
  const library = koffi.load(fileName)
  const types = callbackTypes()
  const registerEvent = (event: number): ReturnType<typeof library.func> => {
    const callback = event === VIR_DOMAIN_EVENT_ID_LIFECYCLE ? types.lifecycle : types.agent
    return library.func('virConnectDomainEventRegisterAny', 'int', [
      'void *',
      'void *',
      'int',
      callback,
      'void *',
      'void *',
    ])
  }
  return {
    callback: (name, action) => koffi.register(action, types[name]),
    freeCallback: (callback) => koffi.unregister(callback),

    virEventRegisterDefaultImpl: library.func('int virEventRegisterDefaultImpl()'),
    virEventRunDefaultImpl: library.func('int virEventRunDefaultImpl()'),
    virEventAddHandle: library.func('virEventAddHandle', 'int', ['int', 'int', types.handle, 'void *', 'void *']),
    virEventRemoveHandle: library.func('int virEventRemoveHandle(int watch)'),

    virConnectRegisterCloseCallback: library.func('virConnectRegisterCloseCallback', 'int', [
      'void *',
      types.close,
      'void *',
      'void *',
    ]),
    virConnectUnregisterCloseCallback: library.func('virConnectUnregisterCloseCallback', 'int', [
      'void *',
      types.close,
    ]),
    virConnectDomainEventRegisterAny: (connect, domain, event, ...rest) =>
      registerEvent(event)(connect, domain, event, ...rest) as number, // its prototype
    virConnectDomainEventDeregisterAny: library.func('int virConnectDomainEventDeregisterAny(void *connect, int id)'),
    virDomainGetName: library.func('const char *virDomainGetName(void *domain)'),

    virStreamNew: library.func('void *virStreamNew(void *connect, unsigned int flags)'),
    virDomainOpenConsole: library.func(
      'int virDomainOpenConsole(void *domain, const char *device, void *stream, unsigned int flags)',
    ),
    virStreamSend: library.func('int virStreamSend(void *stream, void *data, size_t size)'),
    virStreamRecv: library.func('int virStreamRecv(void *stream, void *data, size_t size)'),
    virStreamEventAddCallback: library.func('virStreamEventAddCallback', 'int', [
      'void *',
      'int',
      types.stream,
      'void *',
      'void *',
    ]),
    virStreamEventUpdateCallback: library.func('int virStreamEventUpdateCallback(void *stream, int events)'),
    virStreamEventRemoveCallback: library.func('int virStreamEventRemoveCallback(void *stream)'),
    virStreamFinish: library.func('int virStreamFinish(void *stream)'),
    virStreamAbort: library.func('int virStreamAbort(void *stream)'),
    virStreamFree: library.func('int virStreamFree(void *stream)'),

    eventfd: library.func('int eventfd(unsigned int initial, int flags)'), // found as strdup is in ffi.ts
  }
}
