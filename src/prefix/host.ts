/** What the engine works with: built once per run from the configuration, handed down, closed at the end. */
import path from 'node:path'
import { messageOf } from '../base/errors.js'
import { openRegister, type Register } from '../register/register.js'
import { createRegistry, type Registry } from '../base/registry.js'
import type { Task } from '../base/task.js'
import type { Config } from '../config/types.js'
import { readHostRoutes } from '../lease/host-routes.js'
import { openSubnetLeases } from '../lease/subnet-leases.js'
import type { Neighbour, SubnetLeases } from '../lease/types.js'
import { openLibvirt } from '../libvirt/connection.js'
import { createNets, type Nets } from '../net/lifecycle.js'
import { createDownloader } from '../store/download/downloader.js'
import { forbidDownloads } from '../store/download/offline.js'
import type { RepositoryOptions } from '../store/open-repository.js'
import { openTemplateStore } from '../store/store.js'
import type { TemplateStore } from '../store/types.js'
import { serviceManagers } from '../guest/services/index.js'
import type { ServiceManager } from '../guest/services/manager.js'
import { createLibvirtProvider } from '../vm/libvirt/provider.js'
import type { VmProvider } from '../vm/provider.js'
import { createSshProvider } from '../vm/ssh/provider.js'
import { ownVmTypes } from '../vm/own-types.js'
import type { VmType } from '../vm/types.js'
import { NO_ADDED_KINDS, type AddedKinds, type OWN_PROVIDERS } from './kinds.js'

export interface Host extends AsyncDisposable {
  readonly config: Config
  readonly leases: SubnetLeases
  readonly store: TemplateStore
  /** Which environments this host has. */
  readonly register: Register
  /** Where templates are sought; `vars` are for paths in the repository file. */
  templateOptions(vars: RepositoryOptions['vars']): RepositoryOptions
  readonly nets: Nets
  readonly providers: Registry<VmProvider>
  /** Begins to load libvirt's library, for verbs that will need it. */
  warmUp(): void
  readonly vmTypes: Registry<VmType>
  /** In the order in which a guest is asked for them. */
  readonly services: Registry<ServiceManager>
}

export interface HostOptions {
  /** How long the end waits for calls of libvirt that are in progress; default 60,000. */
  readonly closeLimitMs?: number

  /** For facts about this host between runs; absolute, may be missing. */
  readonly cacheDir: string
  /** Proxies and `.netrc` are found by it; default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** From plugins. Default: none. */
  readonly kinds?: AddedKinds
}

/** Touches nothing: libvirt, the store and the leases are reached when they are first needed. */
export function openHost(config: Config, options: HostOptions): Host {
  const { cacheDir, env = {}, kinds = NO_ADDED_KINDS, closeLimitMs } = options
  const { url: uri, user, password } = config.libvirt
  const libvirt = openLibvirt({ uri, user, password, ...(closeLimitMs === undefined ? {} : { closeLimitMs }) })
  const local = createLibvirtProvider(libvirt, { ...config.vm, cacheDir })
  const providers: Record<(typeof OWN_PROVIDERS)[number], VmProvider> = {
    'local-libvirt': local,
    ssh: createSshProvider(),
  }
  const { dir: storeDir, offline, repoPath, repoName, reposDir } = config.store
  const downloader = offline ? forbidDownloads() : createDownloader({ env })
  const nets = createNets(libvirt, { stp: config.net.stp })
  const added = [...kinds.providers].map(([name, create]) => [name, create({ config, cacheDir })] as const)
  return {
    config,
    leases: openSubnetLeases(config.leaseDir, {
      range: config.net.subnetRange,
      neighbours: async (task) => [...(await readHostRoutes()), ...(await networksAround(task, nets))],
    }),
    store: openTemplateStore(storeDir),
    register: openRegister(path.join(config.leaseDir, 'environments')),
    templateOptions: (vars) => ({ path: repoPath, name: repoName, reposDir, cacheDir, downloader, vars }),
    nets,
    providers: createRegistry('VM provider', [...Object.entries(providers), ...added]),
    vmTypes: createRegistry('VM type', [...Object.entries(ownVmTypes), ...kinds.vmTypes]),
    services: createRegistry('service manager', [...Object.entries(serviceManagers), ...kinds.services]),
    warmUp: () => libvirt.warmUp(),
    async [Symbol.asyncDispose]() {
      await libvirt.close()
    },
  }
}

/** A host whose libvirt does not answer can still have environments made for it. */
async function networksAround(task: Task, nets: Nets): Promise<readonly Neighbour[]> {
  try {
    return await nets.neighbours(task)
  } catch (error) {
    if (task.signal.aborted) throw error
    task.log('debug', `the networks of libvirt are not known: ${messageOf(error)}`)
    return []
  }
}
