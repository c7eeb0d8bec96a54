/** libvirt as the rest of the program sees it: promises, names and plain data; no handles. */
import type { Task } from '../base/task.js'

export interface LibvirtConnection extends AsyncDisposable {
  readonly uri: string
  /** Starts the first thread in the background, so that the first call finds it ready. */
  warmUp(): void
  /** XML of the host's capabilities. */
  capabilities(task: Task): Promise<string>
  /** Transient and running. */
  createDomain(task: Task, xml: string): Promise<void>
  /** Missing names are missing in the answer; one round trip whatever the number of names. */
  domainInfos(task: Task, names: readonly string[]): Promise<ReadonlyMap<string, DomainInfo>>
  domainXml(task: Task, name: string): Promise<string>
  /** False: no such domain was running. */
  destroyDomain(task: Task, name: string): Promise<boolean>
  createNetwork(task: Task, xml: string): Promise<void>
  /** Those of `names` that exist and are active, with their XML. */
  activeNetworks(task: Task, names: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** False: no such network was active. */
  destroyNetwork(task: Task, name: string): Promise<boolean>
  /** Waits for calls in progress, at most 10 s; the connection cannot be used after it. May be called twice. */
  close(): Promise<void>
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
