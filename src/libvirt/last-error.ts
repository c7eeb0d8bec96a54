/** libvirt made ready for a thread, and what it says about a call that has just failed on that thread. */
import { decodeError, type Libvirt } from './ffi.js'
import type { LaneFailure, LibvirtFailure } from './protocol.js'

/** Thrown by everything that calls libvirt. */
export class LaneError extends Error {
  readonly failure: LaneFailure
  constructor(failure: LaneFailure) {
    super(failure.message)
    this.failure = failure
  }
}

/** Throws `LaneError`. May be called by every thread. */
export function initialize(libvirt: Libvirt): void {
  // virInitialize has to come before every other function; virResetLastError, for one, aborts the process without it
  if (libvirt.virInitialize() < 0)
    throw new LaneError({ kind: 'noConnection', ...readFailure(libvirt, 'virInitialize') })
  // The handler is one for the whole process and runs on whichever thread fails, so it has to be a C function. This
  // one takes nothing and changes nothing; without a handler libvirt prints its errors.
  libvirt.virSetErrorFunc(null, libvirt.virGetLastErrorCode)
}

/** Right behind the call: libvirt keeps one error per thread. */
export function readFailure(libvirt: Libvirt, call: string): LibvirtFailure {
  const pointer = libvirt.virGetLastError()
  const { code, domain, message } = pointer === null ? { code: 0, domain: 0, message: null } : decodeError(pointer)
  return { call, code, domain, message: message ?? 'unknown error' }
}
