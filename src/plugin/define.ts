import type { LagoPlugin } from './contract.js'

/** Gives `plugin` back: the type checker and the editor learn what it is. */
export function definePlugin(plugin: LagoPlugin): LagoPlugin {
  return plugin
}
