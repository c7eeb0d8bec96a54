/** All sources laid over each other: for every section and key the text that wins and where it came from. */
import { nearest } from '../base/nearest.js'
import { INIT_SETTINGS, LAGO_SETTINGS, type Setting } from './defaults.js'
import { readEnv } from './env.js'
import { readConfigFiles } from './files.js'
import { placeOfOldSetting } from './old-settings.js'
import type { FilePlaces, SettingOrigin } from './types.js'

/** By section, then key: what the command line gave. */
export type FlagValues = ReadonlyMap<string, ReadonlyMap<string, string>>

export interface LayeredValue {
  readonly text: string
  readonly origin: SettingOrigin
}

export type Layers = ReadonlyMap<string, ReadonlyMap<string, LayeredValue>>

/** Defaults, files, environment, command line; the later wins. Empty values of files and environment do not count. */
export function layerSettings(
  places: FilePlaces & { readonly flags: FlagValues },
  warn: (message: string) => void,
): Layers {
  const layers = new Map<string, Map<string, LayeredValue>>()
  const set = (section: string, rawKey: string, text: string, origin: SettingOrigin): void => {
    const key = section === 'lago' ? lagoKey(rawKey, origin, warn) : rawKey
    const values = layers.get(section) ?? new Map<string, LayeredValue>()
    layers.set(section, values.set(key, { text, origin }))
  }
  for (const [section, settings] of [['lago', LAGO_SETTINGS] as const, ['init', INIT_SETTINGS] as const])
    for (const { key, default: text } of settings) if (text !== undefined) set(section, key, text, 'default')
  for (const file of readConfigFiles(places, warn))
    for (const [section, values] of file.sections)
      for (const [key, text] of values) {
        const place = (file.isOld ? placeOfOldSetting({ section, key }) : undefined) ?? { section, key }
        if (text !== '') set(place.section, place.key, text, `file:${file.path}`)
      }
  const variables = readEnv(places.env, warn).map((found) => ({ ...found, old: placeOfOldSetting(found) }))
  for (const { old, value, variable } of variables) if (old) set(old.section, old.key, value, `env:${variable}`)
  for (const { section, key, value, variable, old } of variables) if (!old) set(section, key, value, `env:${variable}`) // names of today win
  for (const [section, values] of places.flags) for (const [key, text] of values) set(section, key, text, 'flag')
  return layers
}

/** The key's main name. One that nobody reads gives a warning. */
function lagoKey(key: string, origin: SettingOrigin, warn: (message: string) => void): string {
  const setting = LAGO_SETTINGS.find((known) => known.key === key || known.aliases?.includes(key))
  if (setting === undefined) warnUnknown(key, origin, warn)
  return setting?.key ?? key
}

/** Variables of the form `LAGO_X` may be anybody's, so that an unknown one is told only when it looks misspelt. */
function warnUnknown(key: string, origin: SettingOrigin, warn: (message: string) => void): void {
  const isInitKey = keysOf(INIT_SETTINGS).includes(key)
  const near = nearest(key, keysOf(LAGO_SETTINGS))
  if (origin.startsWith('env:') && near === undefined && !isInitKey) return
  const guess = near === undefined ? '' : `; did you mean "${near}"?`
  warn(`unknown key "${key}" in [lago] (${origin})${isInitKey ? '; it belongs to [init]' : guess}`)
}

function keysOf(settings: readonly Setting[]): string[] {
  return settings.map((setting) => setting.key)
}
