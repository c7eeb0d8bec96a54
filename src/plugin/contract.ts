/**
 * What a plugin is: an object that says what it adds. Everything it may use is the public API of Lago; this room checks
 * and collects, and knows no plugin.
 */
import type { CreateProvider } from '../prefix/kinds.js'
import type { ServiceManager } from '../guest/services/manager.js'
import type { VmType } from '../vm/types.js'
import type { CommandSpec } from './command.js'

/** The number of this contract. It grows only when what was right for a plugin is not any more. */
export const PLUGIN_API = 1

export interface LagoPlugin {
  /** For messages: that of its package. */
  readonly name: string
  readonly api: typeof PLUGIN_API
  /** Versions of Lago that it works with: `>=2.1 <3`, `^2.1.0`. Default: any. */
  readonly requires?: string
  /** Verbs. */
  readonly commands?: readonly CommandSpec[]
  /** By the name that `vm-type` gives in an init file. */
  readonly vmTypes?: Readonly<Record<string, VmType>>
  /** By the name that `vm-provider` gives. */
  readonly providers?: Readonly<Record<string, CreateProvider>>
  /** By the name that `service_provider` gives; guests are asked for them after Lago's own. */
  readonly services?: Readonly<Record<string, ServiceManager>>
  /** By the name that `--out-format` gives: a verb's answer as text, without a final line end. */
  readonly outputs?: Readonly<Record<string, OutputFormat>>
}

export type OutputFormat = (value: unknown) => string
