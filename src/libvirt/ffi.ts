/**
 * The C functions of libvirt that are called, with their types; declarations only (headers of version 9.0.0).
 * Only a lane's thread loads this: every call blocks.
 */
import koffi from 'koffi'
import { LIBVIRT_LIBRARY, LIBVIRT_QEMU_LIBRARY } from './constants.js'

/** Pointers to libvirt's objects; branded so that a domain is not passed where a connection belongs. */
export type ConnectHandle = bigint & { readonly handle: 'virConnect' }
export type DomainHandle = bigint & { readonly handle: 'virDomain' }
export type NetworkHandle = bigint & { readonly handle: 'virNetwork' }
export type SnapshotHandle = bigint & { readonly handle: 'virDomainSnapshot' }

export interface Libvirt {
  virInitialize(): number
  virSetErrorFunc(userData: null, handler: bigint): void
  /** Pointer to a virError of this thread, to be read with `decodeError`; null when its last call did not fail. */
  virGetLastError(): bigint | null
  /** The function itself, as a pointer. */
  readonly virGetLastErrorCode: bigint

  virConnectOpenAuth(uri: string, auth: ConnectAuth | null, flags: number): ConnectHandle | null
  virConnectClose(connect: ConnectHandle): number
  virConnectIsAlive(connect: ConnectHandle): number
  virConnectGetCapabilities(connect: ConnectHandle): string | null

  virDomainCreateXML(connect: ConnectHandle, xml: string, flags: number): DomainHandle | null
  virDomainLookupByName(connect: ConnectHandle, name: string): DomainHandle | null
  virDomainGetInfo(domain: DomainHandle, info: Partial<RawDomainInfo>): number
  virDomainGetXMLDesc(domain: DomainHandle, flags: number): string | null
  virDomainDestroy(domain: DomainHandle): number
  virDomainShutdown(domain: DomainHandle): number
  virDomainReboot(domain: DomainHandle, flags: number): number
  virDomainSuspend(domain: DomainHandle): number
  virDomainResume(domain: DomainHandle): number
  virDomainSaveFlags(domain: DomainHandle, filePath: string, xml: string | null, flags: number): number
  virDomainRestoreFlags(connect: ConnectHandle, filePath: string, xml: string | null, flags: number): number
  virDomainUpdateDeviceFlags(domain: DomainHandle, xml: string, flags: number): number
  virDomainSetInterfaceParameters(
    domain: DomainHandle,
    device: string,
    params: readonly UintParameter[],
    count: number,
    flags: number,
  ): number
  virDomainSnapshotCreateXML(domain: DomainHandle, xml: string, flags: number): SnapshotHandle | null
  virDomainSnapshotFree(snapshot: SnapshotHandle): number
  /** Of libvirt-qemu: a QMP command; the answer's JSON stands in `result[0]`. */
  virDomainQemuMonitorCommand(domain: DomainHandle, command: string, result: [string | null], flags: number): number
  /** Of libvirt-qemu: a command for the guest's agent. */
  virDomainQemuAgentCommand(domain: DomainHandle, command: string, timeoutS: number, flags: number): string | null
  virDomainAgentSetResponseTimeout(domain: DomainHandle, timeoutS: number, flags: number): number
  virDomainFree(domain: DomainHandle): number
  virDomainGetName(domain: DomainHandle): string | null
  /** The array stands in `result[0]`, to be read by `takeHandles`; gives its length. */
  virConnectListAllDomains(connect: ConnectHandle, result: HandleArray<DomainHandle>, flags: number): number
  virConnectListAllNetworks(connect: ConnectHandle, result: HandleArray<NetworkHandle>, flags: number): number

  virNetworkGetName(network: NetworkHandle): string | null
  virNetworkCreateXML(connect: ConnectHandle, xml: string): NetworkHandle | null
  virNetworkLookupByName(connect: ConnectHandle, name: string): NetworkHandle | null
  virNetworkIsActive(network: NetworkHandle): number
  virNetworkGetXMLDesc(network: NetworkHandle, flags: number): string | null
  virNetworkDestroy(network: NetworkHandle): number
  virNetworkFree(network: NetworkHandle): number

  /** strdup(3): what libvirt will free has to come from malloc(3). */
  strdup(text: string): bigint
  /** free(3). */
  free(pointer: bigint): void
}

/** Where a function puts the address of an array of handles. */
export type HandleArray<H> = [(bigint & { readonly of?: H }) | null]

/** libvirt/virterror.h: struct _virError, as far as it is read. */
export interface RawError {
  readonly code: number
  readonly domain: number
  readonly message: string | null
}
const virError = koffi.struct({ code: 'int', domain: 'int', message: 'const char *' })

/** libvirt/libvirt-domain.h: struct _virDomainInfo; a bigint is what a double cannot hold. */
export interface RawDomainInfo {
  readonly state: number
  readonly maxMem: number | bigint
  readonly memory: number | bigint
  readonly nrVirtCpu: number
  readonly cpuTime: number | bigint
}
const virDomainInfo = koffi.struct({
  state: 'unsigned char',
  maxMem: 'unsigned long',
  memory: 'unsigned long',
  nrVirtCpu: 'unsigned short',
  cpuTime: 'unsigned long long',
})

/** libvirt/libvirt-common.h: struct _virTypedParameter, whose union has the size of a double; of its members the `ui`. */
export interface UintParameter {
  readonly field: string
  readonly type: number
  readonly value: { readonly ui: number }
}
const virTypedParameter = koffi.struct({
  field: koffi.array('char', 80, 'String'),
  type: 'int',
  value: koffi.union({ ui: 'unsigned int', d: 'double' }),
})

/** libvirt/libvirt-host.h: struct _virConnectAuth. `cb` is a registered `authCallback`. */
export interface ConnectAuth {
  readonly credtype: readonly number[]
  readonly ncredtype: number
  readonly cb: bigint
  readonly cbdata: null
}
export const authCallback = koffi.pointer(koffi.proto('int', ['void *', 'unsigned int', 'void *']))
const virConnectAuth = koffi.struct({
  credtype: 'int *',
  ncredtype: 'unsigned int',
  cb: authCallback,
  cbdata: 'void *',
})

/** libvirt/libvirt-host.h: struct _virConnectCredential. */
export const virConnectCredential = koffi.struct({
  type: 'int',
  prompt: 'const char *',
  challenge: 'const char *',
  defresult: 'const char *',
  result: 'void *',
  resultlen: 'unsigned int',
})

/** Throws a plain `Error` when the library cannot be loaded. */
export function loadLibvirt(fileName = LIBVIRT_LIBRARY): Libvirt {
  const library = koffi.load(fileName)
  const qemu = lazily(() => koffi.load(LIBVIRT_QEMU_LIBRARY))
  const monitorCommand = lazily(() =>
    qemu().func(
      'int virDomainQemuMonitorCommand(void *domain, const char *cmd, _Out_ str! *result, unsigned int flags)',
    ),
  )
  const agentCommand = lazily(() =>
    qemu().func('str! virDomainQemuAgentCommand(void *domain, const char *cmd, int timeout, unsigned int flags)'),
  )
  const setResponseTimeout = lazily(() => {
    try {
      return library.func('int virDomainAgentSetResponseTimeout(void *domain, int timeout, unsigned int flags)')
    } catch {
      return () => -1 // before libvirt 5.10
    }
  })
  return {
    virInitialize: library.func('int virInitialize()'),
    virSetErrorFunc: library.func('void virSetErrorFunc(void *userData, void *handler)'),
    virGetLastError: library.func('void *virGetLastError()'),
    virGetLastErrorCode: library.symbol('virGetLastErrorCode') as bigint, // how koffi gives pointers

    virConnectOpenAuth: library.func('virConnectOpenAuth', 'void *', [
      'const char *',
      koffi.pointer(virConnectAuth),
      'unsigned int',
    ]),
    virConnectClose: library.func('int virConnectClose(void *connect)'),
    virConnectIsAlive: library.func('int virConnectIsAlive(void *connect)'),
    virConnectGetCapabilities: library.func('str! virConnectGetCapabilities(void *connect)'),

    virDomainCreateXML: library.func('void *virDomainCreateXML(void *connect, const char *xml, unsigned int flags)'),
    virDomainLookupByName: library.func('void *virDomainLookupByName(void *connect, const char *name)'),
    virDomainGetInfo: library.func('virDomainGetInfo', 'int', ['void *', koffi.out(koffi.pointer(virDomainInfo))]),
    virDomainGetXMLDesc: library.func('str! virDomainGetXMLDesc(void *domain, unsigned int flags)'),
    virNetworkGetXMLDesc: library.func('str! virNetworkGetXMLDesc(void *network, unsigned int flags)'),
    virDomainDestroy: library.func('int virDomainDestroy(void *domain)'),
    virDomainShutdown: library.func('int virDomainShutdown(void *domain)'),
    virDomainReboot: library.func('int virDomainReboot(void *domain, unsigned int flags)'),
    virDomainSuspend: library.func('int virDomainSuspend(void *domain)'),
    virDomainResume: library.func('int virDomainResume(void *domain)'),
    virDomainSaveFlags: library.func(
      'int virDomainSaveFlags(void *domain, const char *to, const char *dxml, unsigned int flags)',
    ),
    virDomainRestoreFlags: library.func(
      'int virDomainRestoreFlags(void *connect, const char *from, const char *dxml, unsigned int flags)',
    ),
    virDomainUpdateDeviceFlags: library.func(
      'int virDomainUpdateDeviceFlags(void *domain, const char *xml, unsigned int flags)',
    ),
    virDomainSetInterfaceParameters: library.func('virDomainSetInterfaceParameters', 'int', [
      'void *',
      'const char *',
      koffi.pointer(virTypedParameter),
      'int',
      'unsigned int',
    ]),
    virDomainSnapshotCreateXML: library.func(
      'void *virDomainSnapshotCreateXML(void *domain, const char *xml, unsigned int flags)',
    ),
    virDomainSnapshotFree: library.func('int virDomainSnapshotFree(void *snapshot)'),
    virDomainQemuMonitorCommand: (...args) => monitorCommand()(...args) as number, // its prototype
    virDomainQemuAgentCommand: (...args) => agentCommand()(...args) as string | null, // its prototype
    virDomainAgentSetResponseTimeout: (...args) => setResponseTimeout()(...args) as number, // its prototype
    virDomainFree: library.func('int virDomainFree(void *domain)'),
    virDomainGetName: library.func('const char *virDomainGetName(void *domain)'),
    virConnectListAllDomains: library.func(
      'int virConnectListAllDomains(void *connect, _Out_ void **domains, unsigned int flags)',
    ),
    virConnectListAllNetworks: library.func(
      'int virConnectListAllNetworks(void *connect, _Out_ void **networks, unsigned int flags)',
    ),
    virNetworkGetName: library.func('const char *virNetworkGetName(void *network)'),

    virNetworkCreateXML: library.func('void *virNetworkCreateXML(void *connect, const char *xml)'),
    virNetworkLookupByName: library.func('void *virNetworkLookupByName(void *connect, const char *name)'),
    virNetworkIsActive: library.func('int virNetworkIsActive(void *network)'),
    virNetworkDestroy: library.func('int virNetworkDestroy(void *network)'),
    virNetworkFree: library.func('int virNetworkFree(void *network)'),

    // found through libvirt's own dependency on libc
    strdup: library.func('void *strdup(const char *text)'),
    free: library.func('void free(void *pointer)'),
  }
}

/** Few verbs speak to qemu itself, so what that needs is loaded with the first call. */
function lazily<T>(load: () => T): () => T {
  let loaded: T | undefined
  return () => (loaded ??= load())
}

export function decodeError(pointer: bigint): RawError {
  return koffi.decode(pointer, virError) as RawError // the struct above
}

/** The handles of an array that libvirt has made, which is freed; each handle is the caller's to free. */
export function takeHandles<H>(libvirt: Libvirt, [array]: HandleArray<H>, length: number): readonly H[] {
  if (array === null) return []
  // pointers, as koffi gives them; it knows no array without elements
  const handles = length > 0 ? (koffi.decode(array, koffi.array('void *', length)) as readonly H[]) : []
  libvirt.free(array)
  return [...handles]
}
