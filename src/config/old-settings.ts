/** Configuration of 0.5: its files, and the keys that stood in its one section (spec 1.7). */
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { FilePlaces } from './types.js'

export interface SettingPlace {
  readonly section: string
  readonly key: string
}

const PLACES: ReadonlyMap<string, SettingPlace> = new Map([
  ['log_level', { section: 'lago', key: 'loglevel' }],
  ['template_store', { section: 'init', key: 'template_store' }],
  ['template_repos', { section: 'init', key: 'template_repos' }],
  ['template_default_repo', { section: 'init', key: 'template_repo_name' }],
])

/** Where a key of 0.5 stands now; undefined for one that is where it was, or that 0.5 did not have. */
export function placeOfOldSetting({ section, key }: SettingPlace): SettingPlace | undefined {
  return section === 'lago' ? PLACES.get(key) : undefined
}

/** `/etc/lago.d/*.conf`, then `~/.lago` where that is a file and not a workdir: the latter wins. */
export function oldConfigFilePaths({ homeDir, etcDir = '/etc' }: FilePlaces): string[] {
  const shared = path.join(etcDir, 'lago.d')
  const names = namesIn(shared).filter((name) => name.endsWith('.conf'))
  return [...names.sort().map((name) => path.join(shared, name)), path.join(homeDir, '.lago')].filter(isFile)
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

function isFile(filePath: string): boolean {
  return statSync(filePath, { throwIfNoEntry: false })?.isFile() === true
}
