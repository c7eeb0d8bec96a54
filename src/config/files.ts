/** Which configuration files there are, least important first, and what stands in them. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { isSystemError, messageOf } from '../base/errors.js'
import { parseIni, type IniSections } from './ini.js'
import { oldConfigFilePaths } from './old-settings.js'
import type { FilePlaces } from './types.js'

export interface ConfigFile {
  readonly path: string
  /** In the words of 0.5. */
  readonly isOld: boolean
  readonly sections: IniSections
}

/**
 * `/etc/lago/lago.conf`, then `lago/lago.conf` of each XDG directory, later ones win (spec 1.7). Relative XDG entries
 * do not count, as the XDG rules say.
 */
export function configFilePaths({ env, homeDir, etcDir = '/etc' }: FilePlaces): string[] {
  const shared = (env['XDG_CONFIG_DIRS'] || path.join(etcDir, 'xdg')).split(':').reverse()
  const own = env['XDG_CONFIG_HOME'] || path.join(homeDir, '.config')
  const xdgDirs = [...shared, own].filter((dir) => path.isAbsolute(dir))
  return [...new Set([etcDir, ...xdgDirs].map((dir) => path.join(dir, 'lago', 'lago.conf')))]
}

/** Where Lago may keep what it can find out again: `lago` below the XDG cache directory. */
export function cacheDirOf({ env, homeDir }: FilePlaces): string {
  const own = env['XDG_CACHE_HOME'] ?? ''
  return path.join(path.isAbsolute(own) ? own : path.join(homeDir, '.cache'), 'lago')
}

/**
 * The files that exist, least important first; those of 0.5 come before all others. One that cannot be read gives a
 * warning; one that cannot be parsed throws `LAGO_USAGE`.
 */
export function readConfigFiles(places: FilePlaces, warn: (message: string) => void): ConfigFile[] {
  const read = (isOld: boolean, filePath: string): ConfigFile[] => {
    const text = readIfThere(filePath, warn)
    return text === undefined ? [] : [{ path: filePath, isOld, sections: parseIni(text, filePath) }]
  }
  const old = oldConfigFilePaths(places).flatMap((filePath) => read(true, filePath))
  return [...old, ...configFilePaths(places).flatMap((filePath) => read(false, filePath))]
}

function readIfThere(filePath: string, warn: (message: string) => void): string | undefined {
  try {
    return readFileSync(filePath, 'utf8')
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) warn(`configuration file not read: ${messageOf(error)}`)
    return undefined
  }
}
