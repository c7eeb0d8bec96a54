/** Which plugins are configured: asked before the command line can be understood, as plugins add to what it may say. */
import path from 'node:path'
import { layerSettings, type LayeredValue } from './layers.js'
import type { FilePlaces, PluginSetting } from './types.js'
import { parseBoolean } from './values.js'

/**
 * What files and environment say, without the command line. Throws `LAGO_USAGE` for a file that cannot be parsed; a bad
 * value of another setting is not looked at.
 */
export function configuredPlugins(places: FilePlaces & { readonly cwd: string }): PluginSetting[] {
  const lago = layerSettings({ ...places, flags: new Map() }, () => undefined).get('lago')
  if (parseBoolean(lago?.get('no_plugins')?.text ?? 'false') === true) return []
  return pluginSettings(lago?.get('plugins'), places.cwd)
}

/** `value` as it stands in the configuration: names and paths, separated by commas or line ends. */
export function pluginSettings(value: LayeredValue | undefined, cwd: string): PluginSetting[] {
  if (value === undefined) return []
  const { text, origin } = value
  const fromDir = origin.startsWith('file:') ? path.dirname(origin.slice('file:'.length)) : cwd
  const names = text.split(/[,\n]/).map((name) => name.trim())
  return [...new Set(names)].filter((name) => name !== '').map((name) => ({ name, fromDir, origin }))
}
