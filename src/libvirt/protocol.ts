/**
 * What the main thread and a lane's thread say to each other. Only plain data crosses: no handles, no Error objects.
 * A lane answers each call with one reply, in order.
 */
import type { CreateOptions, DomainInfo, FoundDomain, FoundNetwork, SnapshotOptions, XmlForm } from './types.js'

/** Where a lane connects to. The password travels in the first message only. */
export interface LibvirtTarget {
  readonly uri: string
  readonly user: string | undefined
  readonly password: string | undefined
}

/** Calls by name, with their arguments and results. */
export interface LaneCalls {
  capabilities(): string
  createDomain(xml: string, options: CreateOptions): void
  domainInfos(names: readonly string[]): ReadonlyMap<string, DomainInfo>
  allDomains(): ReadonlyMap<string, FoundDomain>
  domainXml(name: string, form: XmlForm): string
  destroyDomain(name: string): boolean
  shutdownDomain(name: string, how: 'off' | 'reboot'): void
  suspendDomain(name: string): void
  resumeDomain(name: string): void
  saveDomain(name: string, filePath: string): void
  restoreDomain(name: string, filePath: string, xml: string, options: CreateOptions): void
  snapshotDomain(name: string, xml: string, options: SnapshotOptions): void
  updateDevice(name: string, xml: string): void
  limitInterface(name: string, mac: string, kilobytesPerS: number): void
  monitorCommand(name: string, command: string): string
  agentCommand(name: string, command: string, timeoutS: number): string
  createNetwork(xml: string): void
  activeNetworks(names: readonly string[]): ReadonlyMap<string, string>
  allNetworks(): ReadonlyMap<string, FoundNetwork>
  destroyNetwork(name: string): boolean
}

export type CallName = keyof LaneCalls
export type CallResult<N extends CallName> = ReturnType<LaneCalls[N]>
export type LaneCall = { [N in CallName]: { readonly name: N; readonly args: Parameters<LaneCalls[N]> } }[CallName]

export type ToLane =
  | { readonly type: 'target'; readonly target: LibvirtTarget }
  | { readonly type: 'call'; readonly call: LaneCall }
  | { readonly type: 'close' }

export type FromLane =
  { readonly type: 'result'; readonly value: unknown } | { readonly type: 'failure'; readonly failure: LaneFailure }

export type LaneFailure =
  | { readonly kind: 'noLibrary'; readonly message: string }
  /** No connection, or the connection was lost during the call. */
  | ({ readonly kind: 'noConnection' } & LibvirtFailure)
  | ({ readonly kind: 'call' } & LibvirtFailure)

/** What libvirt said about a call that failed. */
export interface LibvirtFailure {
  /** The C function. */
  readonly call: string
  /** virErrorNumber and virErrorDomain of libvirt/virterror.h. */
  readonly code: number
  readonly domain: number
  readonly message: string
}
