/** User and password for libvirt, given when it asks for them. */
import koffi from 'koffi'
import { VIR_CRED_AUTHNAME, VIR_CRED_PASSPHRASE } from './constants.js'
import { authCallback, virConnectCredential, type ConnectAuth, type Libvirt } from './ffi.js'
import type { LibvirtTarget } from './protocol.js'

/** Calls `body` with what virConnectOpenAuth needs; null when there is neither user nor password. */
export function withCredentials<T>(
  libvirt: Libvirt,
  { user, password }: LibvirtTarget,
  body: (auth: ConnectAuth | null) => T,
): T {
  const answers = new Map<number, string>()
  if (user !== undefined) answers.set(VIR_CRED_AUTHNAME, user)
  if (password !== undefined) answers.set(VIR_CRED_PASSPHRASE, password)
  if (answers.size === 0) return body(null)
  const callback = koffi.register(
    (credentials: bigint, count: number) => fill(libvirt, answers, credentials, count),
    authCallback,
  )
  try {
    return body({ credtype: [...answers.keys()], ncredtype: answers.size, cb: callback, cbdata: null })
  } finally {
    koffi.unregister(callback)
  }
}

/** The C side's rule: 0 when every question was answered, else -1. */
function fill(libvirt: Libvirt, answers: ReadonlyMap<number, string>, credentials: bigint, count: number): number {
  for (let index = 0; index < count; index++) {
    const start = index * virConnectCredential.size
    const { type } = koffi.decode(credentials, start, virConnectCredential) as { type: number } // as ffi.ts has it
    const answer = answers.get(type)
    if (answer === undefined) return -1
    koffi.encode(credentials, start + offsetOf('result'), 'void *', libvirt.strdup(answer))
    koffi.encode(credentials, start + offsetOf('resultlen'), 'unsigned int', Buffer.byteLength(answer))
  }
  return 0
}

function offsetOf(member: 'result' | 'resultlen'): number {
  return koffi.offsetof(virConnectCredential, member)
}
