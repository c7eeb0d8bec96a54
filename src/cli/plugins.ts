/** What this run can do: Lago's own verbs, kinds and formats, and those of the plugins that are configured. */
import { isLagoError } from '../base/errors.js'
import { createRegistry, type Registry } from '../base/registry.js'
import { configuredPlugins } from '../config/plugins.js'
import type { FilePlaces, PluginSetting } from '../config/types.js'
import type { LagoPlugin } from '../plugin/contract.js'
import type { AddedKinds } from '../prefix/kinds.js'
import type { CommandSpec } from './command.js'
import { outputFormats, type OutputFormat } from './output/index.js'
import { skipsPlugins } from './parse.js'

export interface Abilities {
  readonly commands: readonly CommandSpec[]
  /** Undefined without plugins. */
  readonly kinds: AddedKinds | undefined
  readonly formats: Registry<() => Promise<OutputFormat>>
}

export interface PluginPlaces extends FilePlaces {
  readonly argv: readonly string[]
  readonly cwd: string
}

/**
 * `inTree`: plugins that come with Lago, which `--no-plugins` keeps. Without other plugins, and with verbs alone in these,
 * nothing more is loaded.
 * Throws `LAGO_PLUGIN_LOAD`, `LAGO_PLUGIN_API`, `LAGO_PLUGIN_CONFLICT`.
 */
export async function findAbilities(
  places: PluginPlaces,
  own: readonly CommandSpec[],
  inTree: readonly LagoPlugin[],
): Promise<Abilities> {
  const settings = settingsOf(places)
  const wanted = settings.length > 0 && skipsPlugins(places.argv, own) ? [] : settings
  if (wanted.length === 0 && inTree.every(addsVerbsAlone))
    return { commands: [...own, ...inTree.flatMap(verbsOf)], kinds: undefined, formats: outputFormats }
  const { described, loadModules } = await import('../plugin/load.js')
  const { checkPlugin, collectAdditions } = await import('../plugin/check.js')
  const { OWN_KINDS } = await import('../prefix/kinds.js')
  const modules = await loadModules(wanted)
  const plugins = modules.map(({ setting, exported }) => checkPlugin(exported, described(setting)))
  const taken = { ...OWN_KINDS, commands: own.map(({ name }) => name), outputs: outputFormats.names() }
  const { commands, kinds, outputs } = collectAdditions([...inTree, ...plugins], taken)
  return { commands: [...own, ...commands.values()], kinds, formats: withFormats(outputs) }
}

/** Then there is nothing to load and to check at every start: a test looks whether those that come with Lago are in order. */
function addsVerbsAlone({ vmTypes, providers, services, outputs }: LagoPlugin): boolean {
  return [vmTypes, providers, services, outputs].every((kind) => kind === undefined)
}

function verbsOf({ commands = [] }: LagoPlugin): readonly CommandSpec[] {
  return commands
}

/** A file that cannot be parsed is told when the verb reads it; help and version do without. */
function settingsOf(places: PluginPlaces): readonly PluginSetting[] {
  try {
    return configuredPlugins(places)
  } catch (error) {
    if (isLagoError(error, 'LAGO_USAGE')) return []
    throw error
  }
}

function withFormats(added: ReadonlyMap<string, OutputFormat>): Abilities['formats'] {
  const own = outputFormats.names().map((name) => [name, outputFormats.get(name)] as const)
  return createRegistry('output format', [
    ...own,
    ...[...added].map(([name, format]) => [name, async () => format] as const),
  ])
}
