/** What an engine has: hosts, storage domains, clusters and VMs, read from its lists. */
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { itemsOf, optionalTextAt, partOf, textAt, type Entity } from './answer.js'
import type {
  Cluster,
  Count,
  CountedItem,
  Engine,
  EngineFacts,
  EngineHost,
  EngineVm,
  Resource,
  StorageDomain,
} from './types.js'

/** The root of the API tells both: version and numbers of things. */
export async function engineFacts(task: Task, engine: Engine): Promise<EngineFacts> {
  const root = await engine.get(task, '')
  const version = partOf(root, 'product_info', 'version')
  const parts = ['major', 'minor', 'build', 'revision'].map((name) => optionalTextAt(version, name))
  const count = (item: CountedItem): Count => countOf(partOf(root, 'summary', item))
  return {
    version: optionalTextAt(version, 'full_version') ?? parts.filter((part) => part !== undefined).join('.'),
    items: {
      hosts: count('hosts'),
      storage_domains: count('storage_domains'),
      users: count('users'),
      vms: count('vms'),
    },
  }
}

function countOf(summary: Entity): Count {
  return {
    total: Number(optionalTextAt(summary, 'total') ?? 0),
    active: Number(optionalTextAt(summary, 'active') ?? 0),
  }
}

export async function listHosts(task: Task, engine: Engine): Promise<EngineHost[]> {
  const hosts = itemsOf(await engine.get(task, 'hosts'), 'host')
  return hosts.map((host) => ({
    ...resourceOf(host, 'hosts'),
    clusterId: optionalTextAt(partOf(host, 'cluster'), 'id'),
  }))
}

export async function listVms(task: Task, engine: Engine): Promise<EngineVm[]> {
  return itemsOf(await engine.get(task, 'vms'), 'vm').map((vm) => resourceOf(vm, 'vms'))
}

export async function listClusters(task: Task, engine: Engine): Promise<Cluster[]> {
  return itemsOf(await engine.get(task, 'clusters'), 'cluster').map((cluster) => ({
    id: textAt(cluster, 'id'),
    name: textAt(cluster, 'name'),
    cpuType: optionalTextAt(partOf(cluster, 'cpu'), 'type'),
  }))
}

/** Those that are attached to some data centre; others have no state. */
export async function listAttachedDomains(task: Task, engine: Engine): Promise<StorageDomain[]> {
  const dataCenters = itemsOf(await engine.get(task, 'datacenters'), 'data_center')
  const attached = await fanOut(task, dataCenters, async (dataCenter, task) => {
    const path = `datacenters/${textAt(dataCenter, 'id')}/storagedomains`
    const domains = itemsOf(await engine.get(task, path), 'storage_domain')
    return domains.map((domain) => ({
      ...resourceOf(domain, path),
      dataCenter: textAt(dataCenter, 'name'),
      isMaster: optionalTextAt(domain, 'master') === 'true',
    }))
  })
  return attached.flat()
}

/** As it is now. */
export async function lookAt(task: Task, engine: Engine, { path }: Pick<Resource, 'path'>): Promise<Resource> {
  return resourceOf(await engine.get(task, path), path.slice(0, path.lastIndexOf('/')))
}

function resourceOf(entity: Entity, listPath: string): Resource {
  const id = textAt(entity, 'id')
  return { id, name: textAt(entity, 'name'), status: textAt(entity, 'status'), path: `${listPath}/${id}` }
}
