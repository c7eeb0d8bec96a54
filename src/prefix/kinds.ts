/** The kinds that init files name: Lago's own, and those that plugins add. Light: every start with plugins reads this. */
import type { Config } from '../config/types.js'
import { serviceManagers } from '../guest/services/index.js'
import type { ServiceManager } from '../guest/services/manager.js'
import type { VmProvider } from '../vm/provider.js'
import { ownVmTypes } from '../vm/own-types.js'
import type { VmType } from '../vm/types.js'

/** By name; none is one of Lago's own. */
export interface AddedKinds {
  readonly vmTypes: ReadonlyMap<string, VmType>
  readonly providers: ReadonlyMap<string, CreateProvider>
  readonly services: ReadonlyMap<string, ServiceManager>
}

/** Called once per run, whether or not a VM has this provider: it must not reach for anything yet. */
export type CreateProvider = (setup: ProviderSetup) => VmProvider

export interface ProviderSetup {
  readonly config: Config
  /** For facts about this host between runs; absolute, may be missing. */
  readonly cacheDir: string
}

export const NO_ADDED_KINDS: AddedKinds = { vmTypes: new Map(), providers: new Map(), services: new Map() }

/** What host.ts makes. */
export const OWN_PROVIDERS = ['local-libvirt', 'ssh'] as const

/** Names that plugins cannot take. */
export const OWN_KINDS: Readonly<Record<keyof AddedKinds, readonly string[]>> = {
  vmTypes: Object.keys(ownVmTypes),
  providers: OWN_PROVIDERS,
  services: Object.keys(serviceManagers),
}
