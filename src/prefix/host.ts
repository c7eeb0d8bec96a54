/** What the engine works with: built once per run from the configuration, handed down, closed at the end. */
import { createRegistry, type Registry } from '../base/registry.js'
import type { Config } from '../config/types.js'
import { openSubnetLeases } from '../lease/subnet-leases.js'
import type { SubnetLeases } from '../lease/types.js'
import { openLibvirt } from '../libvirt/connection.js'
import { createNets, type Nets } from '../net/lifecycle.js'
import { openTemplateStore } from '../store/store.js'
import type { TemplateStore } from '../store/types.js'
import { createLibvirtProvider } from '../vm/libvirt/provider.js'
import type { VmProvider } from '../vm/provider.js'

export interface Host extends AsyncDisposable {
  readonly config: Config
  readonly leases: SubnetLeases
  readonly store: TemplateStore
  readonly nets: Nets
  readonly providers: Registry<VmProvider>
  /** Begins to load libvirt's library, for verbs that will need it. */
  warmUp(): void
  /** Kinds of VMs; a kind adds nothing yet beside its name. */
  readonly vmTypes: Registry<object>
}

/** Touches nothing: libvirt, the store and the leases are reached when they are first needed. */
export function openHost(config: Config, dirs: { readonly cacheDir: string }): Host {
  const libvirt = openLibvirt({ uri: config.libvirt.url, user: config.libvirt.user, password: config.libvirt.password })
  const local = createLibvirtProvider(libvirt, { ...config.vm, cacheDir: dirs.cacheDir })
  return {
    config,
    leases: openSubnetLeases(config.leaseDir),
    store: openTemplateStore(config.store.dir),
    nets: createNets(libvirt, { stp: config.net.stp }),
    providers: createRegistry('VM provider', [['local-libvirt', local]]),
    vmTypes: createRegistry('VM type', [['default', {}]]),
    warmUp: () => libvirt.warmUp(),
    async [Symbol.asyncDispose]() {
      await libvirt.close()
    },
  }
}
