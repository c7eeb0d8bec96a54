/**
 * From the names in the configuration to plugins. A plugin is code that runs with the rights of whoever runs Lago: only
 * what the configuration names is loaded, nothing is searched for, and a package is never taken from the directory that
 * somebody happens to stand in because a configuration file names it.
 */
import { stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { isLagoError, LagoError, messageOf } from '../base/errors.js'
import type { PluginSetting } from '../config/types.js'

export interface LoadedModule {
  readonly setting: PluginSetting
  /** What the plugin's module exports as its default; not checked. */
  readonly exported: unknown
}

/** For every error that a plugin is the reason of. */
export const PLUGIN_HINT = 'lago --no-plugins works without plugins; they are named by "plugins" in the configuration'

/** In the order of the configuration. Throws `LAGO_PLUGIN_LOAD` for the first that cannot be loaded. */
export async function loadModules(
  settings: readonly PluginSetting[],
  { limitMs = LOAD_LIMIT_MS }: { readonly limitMs?: number } = {},
): Promise<LoadedModule[]> {
  const loaded: LoadedModule[] = []
  for (const setting of settings) {
    const filePath = resolvePlugin(setting)
    await refuseIfOthersWrite(setting, filePath)
    loaded.push({ setting, exported: await importDefault(setting, filePath, limitMs) })
  }
  return loaded
}

/** A package that is not beside what names it may stand beside Lago, where `npm install -g` puts both. */
function resolvePlugin(setting: PluginSetting): string {
  const { name, fromDir } = setting
  if (isPath(name)) return path.resolve(fromDir, name)
  const places = [path.join(fromDir, 'lago.conf'), import.meta.url]
  for (const place of places) {
    try {
      return createRequire(place).resolve(name)
    } catch (error) {
      if (place === places.at(-1)) throw notLoaded(setting, error)
    }
  }
  throw new Error('unreachable: no place to seek a plugin')
}

function isPath(name: string): boolean {
  return path.isAbsolute(name) || /^\.\.?(\/|$)/.test(name)
}

/** Who may write the file, or put another in its place, would run code as the user. */
async function refuseIfOthersWrite(setting: PluginSetting, filePath: string): Promise<void> {
  try {
    const [file, dir] = [await stat(filePath), await stat(path.dirname(filePath))]
    const isOpen = (file.mode & OTHERS_WRITE) !== 0
    if (!isOpen && ((dir.mode & OTHERS_WRITE) === 0 || (dir.mode & STICKY) !== 0)) return
    const open = isOpen ? filePath : path.dirname(filePath)
    throw new LagoError('LAGO_PLUGIN_LOAD', `${described(setting)} is not loaded: everybody may write ${open}`, {
      hint: `chmod o-w ${open}`,
      data: { plugin: setting.name, path: open },
    })
  } catch (error) {
    throw isLagoError(error) ? error : notLoaded(setting, error)
  }
}

// sys/stat.h: S_IWOTH, S_ISVTX
const OTHERS_WRITE = 0o002
const STICKY = 0o1000

async function importDefault(setting: PluginSetting, filePath: string, limitMs: number): Promise<unknown> {
  try {
    const module = await inTime(
      limitMs,
      import(pathToFileURL(filePath).href) as Promise<{ readonly default?: unknown }>,
    ) // checked afterwards
    return module.default
  } catch (error) {
    throw notLoaded(setting, error)
  }
}

/** A plugin that waits for something at its top level would hold every verb up, or end it without a word. */
async function inTime<T>(limitMs: number, loading: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    const give = (): void => reject(new Error(`it did not load within ${limitMs / 1000} s`))
    timer = setTimeout(give, limitMs)
  })
  return Promise.race([loading, limit]).finally(() => clearTimeout(timer))
}

const LOAD_LIMIT_MS = 10_000

function notLoaded(setting: PluginSetting, cause: unknown): LagoError {
  const reason = messageOf(cause).split('\n', 1)[0] ?? ''
  return new LagoError('LAGO_PLUGIN_LOAD', `${described(setting)} cannot be loaded: ${reason}`, {
    hint: PLUGIN_HINT,
    data: { plugin: setting.name, origin: setting.origin },
    cause,
  })
}

/** `plugin ./x.js (file:/etc/lago/lago.conf)`. */
export function described({ name, origin }: PluginSetting): string {
  return `plugin ${name} (${origin})`
}
