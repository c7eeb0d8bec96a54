/** libvirt as the rest of the program sees it: promises, names and plain data; no handles. */
import type { Duplex } from 'node:stream'
import type { Task } from '../base/task.js'

export interface LibvirtConnection extends AsyncDisposable {
  readonly uri: string
  /** Starts the first thread in the background, so that the first call finds it ready. */
  warmUp(): void
  /** XML of the host's capabilities. */
  capabilities(task: Task): Promise<string>
  /** Transient and running, or paused before its first instruction. */
  createDomain(task: Task, xml: string, options?: CreateOptions): Promise<void>
  /** Missing names are missing in the answer; one round trip whatever the number of names. */
  domainInfos(task: Task, names: readonly string[]): Promise<ReadonlyMap<string, DomainInfo>>
  /** All that libvirt knows, ours or not, with their XML. */
  allDomains(task: Task): Promise<ReadonlyMap<string, FoundDomain>>
  /** `restorable`: complete and without what belongs to this run only, so that it can be given back to libvirt. */
  domainXml(task: Task, name: string, form?: XmlForm): Promise<string>
  /** False: no such domain was running. */
  destroyDomain(task: Task, name: string): Promise<boolean>
  /** Asks the guest, by ACPI or its agent, and does not wait for it. */
  shutdownDomain(task: Task, name: string, how: 'off' | 'reboot'): Promise<void>
  /** Stops the domain's CPUs; does nothing for one that is paused. */
  suspendDomain(task: Task, name: string): Promise<void>
  resumeDomain(task: Task, name: string): Promise<void>
  /** Writes the memory to `filePath`; the domain ends. */
  saveDomain(task: Task, name: string, filePath: string): Promise<void>
  /**
   * Back from `saveDomain` or a snapshot's memory. `xml` may name other files, and must be the same machine otherwise.
   * Without `paused` it runs if it ran when it was saved.
   */
  restoreDomain(
    task: Task,
    domain: { readonly name: string; readonly filePath: string; readonly xml: string },
    options?: CreateOptions,
  ): Promise<void>
  /** `xml` is a `<domainsnapshot>`; libvirt keeps no record of it. All disks or none. */
  snapshotDomain(task: Task, name: string, xml: string, options?: SnapshotOptions): Promise<void>
  /** Changes a device of a running domain; `xml` is the device as `domainXml` has it, but for what shall be another. */
  updateDevice(task: Task, name: string, xml: string): Promise<void>
  /** Average rate of an interface of a running domain, both ways, in kB/s (1000 bytes); 0: without limit. */
  limitInterface(task: Task, name: string, mac: string, kilobytesPerS: number): Promise<void>
  /** A QMP command to the domain's qemu; gives what stands in `return`. qemu only; taints the domain. */
  monitorCommand(task: Task, name: string, command: QemuCommand): Promise<unknown>
  /** A command to the guest's agent; gives what stands in `return`. What comes back is the guest's word: check it. */
  agentCommand(task: Task, name: string, command: QemuCommand, timeoutS: number): Promise<unknown>
  /**
   * Tells what happens to the domains of these names, whether they exist yet or not, from the moment it resolves until
   * it is disposed of. Subscribe first, then ask for the state: so nothing falls between the two.
   */
  watchDomains(task: Task, names: readonly string[], onEvent: (event: DomainEvent) => void): Promise<AsyncDisposable>
  /**
   * The domain's first console, both ways, until it is destroyed or the domain ends. Output that nobody reads is
   * skipped from 4 MiB on, and the reader is told so in its place. `force` ends the session of another.
   */
  openConsole(task: Task, name: string, options?: ConsoleOptions): Promise<Duplex>
  createNetwork(task: Task, xml: string): Promise<void>
  /** Those of `names` that exist and are active, with their XML. */
  activeNetworks(task: Task, names: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** All that libvirt knows, ours or not, active or only defined, with their XML. */
  allNetworks(task: Task): Promise<ReadonlyMap<string, FoundNetwork>>
  /** False: no such network was active. */
  destroyNetwork(task: Task, name: string): Promise<boolean>
  /** Waits for calls in progress, at most 10 s; the connection cannot be used after it. May be called twice. */
  close(): Promise<void>
}

export interface CreateOptions {
  /** Default false. */
  readonly paused?: boolean
}

export interface SnapshotOptions {
  /** Without the memory. Default false. */
  readonly diskOnly?: boolean
  /** The files that take further writes are there already. Default false: libvirt creates them. */
  readonly reuseFiles?: boolean
}

export interface ConsoleOptions {
  /** Default false. */
  readonly force?: boolean
}

export type DomainEvent =
  | { readonly type: 'lifecycle'; readonly domain: string; readonly event: LifecycleEvent; readonly detail: string }
  /** The agent has opened its channel, or closed it; an agent that hangs has it open. */
  | { readonly type: 'agent'; readonly domain: string; readonly connected: boolean }
  /** Nothing more will be told. */
  | { readonly type: 'connection-lost'; readonly reason: string }

/**
 * `shutdown`: the guest has powered off and qemu ends; `stopped` follows and is always the last one. `crashed`: the
 * guest's kernel has panicked; a qemu that died is `stopped` with the detail `failed`.
 */
export type LifecycleEvent =
  'defined' | 'undefined' | 'started' | 'suspended' | 'resumed' | 'stopped' | 'shutdown' | 'pmsuspended' | 'crashed'

export type XmlForm = 'live' | 'restorable'

/** QMP's form of a command, which the guest agent shares. */
export interface QemuCommand {
  readonly execute: string
  readonly arguments?: Readonly<Record<string, unknown>>
}

/** The words of `lago status` (spec 2.5); `down`: libvirt does not know the domain. */
export type VmState =
  | 'no state'
  | 'running'
  | 'blocked'
  | 'paused'
  | 'begin shut down'
  | 'shut off'
  | 'crashed'
  | 'suspended'
  | 'down'
  | 'unknown'

export interface DomainInfo {
  readonly state: VmState
  /** CPU time that the domain has used since its start. */
  readonly cpuTimeMs: number
  readonly vcpus: number
}

export interface FoundDomain extends DomainInfo {
  readonly xml: string
}

export interface FoundNetwork {
  readonly isActive: boolean
  readonly xml: string
}
