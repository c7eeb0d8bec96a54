/**
 * What a stand-in engine has, and how it changes: hosts, storage domains and VMs go through the states that the engine's
 * public API documents. Nothing here measures time: a passing state lasts for a number of looks at the resource.
 */

export interface EngineData {
  /** `4.3.10.4-1.el7`. */
  version: string
  user: string
  password: string
  dataCenters: { id: string; name: string }[]
  clusters: { id: string; name: string; dataCenter: string; cpuType?: string }[]
  hosts: HostData[]
  storageDomains: DomainData[]
  vms: VmData[]
  users: { id: string; name: string }[]
}

export interface Stateful {
  id: string
  name: string
  status: string
  /** The states that follow, in their order. */
  next?: string[]
  /** Looks until the next of them. */
  looks?: number
}

export interface HostData extends Stateful {
  cluster: string
  /** Where an activation ends; default `up`. */
  fate?: string
}

export interface DomainData extends Stateful {
  type: 'data' | 'iso' | 'export'
  /** Undefined: not attached. */
  dataCenter?: string
  master: boolean
}

export type VmData = Stateful

/** Refused, with HTTP status 409, in the engine's manner. */
export class Conflict extends Error {}

/** A data centre with two hosts, a master, another data domain and one for images, and a VM; all of it up. */
export function ordinaryEngine(changes: Partial<EngineData> = {}): EngineData {
  return {
    version: '4.3.10.4-1.el7',
    user: 'admin@internal',
    password: '123',
    dataCenters: [{ id: 'dc-1', name: 'test-dc' }],
    clusters: [{ id: 'cl-1', name: 'test-cluster', dataCenter: 'dc-1', cpuType: 'Intel Nehalem Family' }],
    hosts: [
      { id: 'ho-0', name: 'host0', cluster: 'cl-1', status: 'up' },
      { id: 'ho-1', name: 'host1', cluster: 'cl-1', status: 'up' },
    ],
    storageDomains: [
      { id: 'sd-nfs', name: 'nfs', type: 'data', dataCenter: 'dc-1', master: true, status: 'active' },
      { id: 'sd-iscsi', name: 'iscsi', type: 'data', dataCenter: 'dc-1', master: false, status: 'active' },
      { id: 'sd-iso', name: 'iso', type: 'iso', dataCenter: 'dc-1', master: false, status: 'active' },
    ],
    vms: [{ id: 'vm-0', name: 'vm0', status: 'down' }],
    users: [{ id: 'us-0', name: 'admin' }],
    ...structuredClone(changes), // a test may have it for several engines
  }
}

export class EngineModel {
  readonly data: EngineData
  readonly #looksPerState: number

  /** `looksPerState`: how often a passing state is seen. */
  constructor(data: EngineData, looksPerState = 2) {
    this.data = data
    this.#looksPerState = looksPerState
  }

  /** A look at a resource brings it on. */
  look(resource: Stateful): void {
    if (resource.next === undefined || resource.next.length === 0) return
    const looks = (resource.looks ?? this.#looksPerState) - 1
    if (looks > 0) {
      resource.looks = looks
      return
    }
    delete resource.looks
    const [status, ...rest] = resource.next
    resource.status = status ?? resource.status
    if (rest.length > 0) resource.next = rest
    else delete resource.next
    if (this.data.hosts.some((host) => host === resource)) this.#hostHasChanged(resource as HostData) // it is one of them
  }

  activateHost(host: HostData): void {
    if (host.status === 'up') throw new Conflict('[Cannot activate Host. Host is already Up.]')
    if (!['maintenance', 'non_operational', 'install_failed'].includes(host.status))
      throw new Conflict(`[Cannot activate Host. Host status is illegal: ${host.status}.]`)
    this.#go(host, ['unassigned', 'initializing', host.fate ?? 'up'])
  }

  deactivateHost(host: HostData): void {
    if (['maintenance', 'preparing_for_maintenance'].includes(host.status))
      throw new Conflict('[Cannot switch Host to Maintenance mode. Host is already in Maintenance mode.]')
    if (!['up', 'non_operational', 'non_responsive', 'install_failed'].includes(host.status))
      throw new Conflict(`[Cannot switch Host to Maintenance mode. Host status is illegal: ${host.status}.]`)
    const others = this.#hostsUp(this.#dataCenterOf(host)).filter((other) => other !== host)
    if (others.length === 0 && this.data.vms.some(({ status }) => status !== 'down'))
      throw new Conflict('[Cannot switch Host to Maintenance mode. Host has running VMs, and no other can take them.]')
    this.#go(host, ['preparing_for_maintenance', 'maintenance'])
  }

  activateDomain(domain: DomainData): void {
    if (!['maintenance', 'inactive'].includes(domain.status))
      throw new Conflict(`[Cannot activate Storage. Storage Domain status is illegal: ${domain.status}.]`)
    this.#requireHost(domain, 'activate')
    const master = this.#masterOf(domain)
    if (master !== domain && master?.status !== 'active')
      throw new Conflict('[Cannot activate Storage. The Master Storage Domain is not active.]')
    this.#go(domain, ['activating', 'active'])
  }

  deactivateDomain(domain: DomainData): void {
    if (!['active', 'inactive'].includes(domain.status))
      throw new Conflict(`[Cannot deactivate Storage. Storage Domain status is illegal: ${domain.status}.]`)
    this.#requireHost(domain, 'deactivate')
    if (domain.type === 'data' && this.data.vms.some(({ status }) => status !== 'down'))
      throw new Conflict('[Cannot deactivate Storage. Running VMs have disks on this Storage Domain.]')
    const others = this.#attachedTo(domain.dataCenter).filter((other) => other !== domain)
    if (domain.master && others.some(({ status }) => status !== 'maintenance'))
      throw new Conflict('[Cannot deactivate Master Data Domain while there are other active Storage Domains.]')
    this.#go(domain, ['preparing_for_maintenance', 'maintenance'])
  }

  startVm(vm: VmData): void {
    if (vm.status !== 'down') throw new Conflict('[Cannot run VM. VM is running.]')
    if (!this.data.hosts.some(({ status }) => status === 'up'))
      throw new Conflict('[Cannot run VM. There is no host that satisfies current scheduling constraints.]')
    if (!this.data.storageDomains.some(({ master, status }) => master && status === 'active'))
      throw new Conflict('[Cannot run VM. One or more required Storage Domains are not active.]')
    this.#go(vm, ['wait_for_launch', 'powering_up', 'up'])
  }

  endVm(vm: VmData, verb: 'stop' | 'shutdown'): void {
    if (vm.status === 'down') throw new Conflict(`[Cannot ${verb} VM. VM is not running.]`)
    this.#go(vm, ['powering_down', 'down'])
  }

  #go(resource: Stateful, [first, ...rest]: readonly string[]): void {
    resource.status = first ?? resource.status
    resource.next = rest
    delete resource.looks
  }

  /** Without a host nobody sees the storage; with the first one it is seen again. */
  #hostHasChanged(host: HostData): void {
    const dataCenter = this.#dataCenterOf(host)
    const isSeen = this.#hostsUp(dataCenter).length > 0
    for (const domain of this.#attachedTo(dataCenter)) {
      if (!isSeen && domain.status === 'active') domain.status = 'unknown'
      if (isSeen && domain.status === 'unknown' && domain.next === undefined) domain.next = ['active']
    }
  }

  #requireHost(domain: DomainData, verb: string): void {
    if (domain.dataCenter === undefined || this.#hostsUp(domain.dataCenter).length === 0)
      throw new Conflict(`[Cannot ${verb} Storage. There is no active Host in the Data Center.]`)
  }

  #hostsUp(dataCenter: string | undefined): HostData[] {
    return this.data.hosts.filter((host) => host.status === 'up' && this.#dataCenterOf(host) === dataCenter)
  }

  #dataCenterOf({ cluster }: HostData): string | undefined {
    return this.data.clusters.find(({ id }) => id === cluster)?.dataCenter
  }

  #attachedTo(dataCenter: string | undefined): DomainData[] {
    return this.data.storageDomains.filter((domain) => domain.dataCenter === dataCenter)
  }

  #masterOf({ dataCenter }: DomainData): DomainData | undefined {
    return this.#attachedTo(dataCenter).find(({ master }) => master)
  }
}
