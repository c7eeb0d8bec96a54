/** The options of repoman, which took the sources of packages together in earlier Lago, that mean something here (spec 7.2). */
import { readFile } from 'node:fs/promises'
import { isSystemError, LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { parseIni } from '../config/ini.js'

export interface RepomanOptions {
  /** What a custom source without packages is. */
  readonly onEmptySource: 'fail' | 'warn'
  /** What becomes of a package whose release names no distribution. */
  readonly onWrongDistro: 'fail' | 'copy_to_all' | 'warn'
}

/** Without a file; Lago has always called repoman so. */
export const REPOMAN_OPTIONS: RepomanOptions = { onEmptySource: 'warn', onWrongDistro: 'copy_to_all' }

/** Options of which anything but this value is told to have no effect. */
const FIXED: Readonly<Record<string, string>> = { with_srcrpms: 'false', with_sources: 'false', rpm_dir: '' }

/**
 * What the file does not say is as repoman has it without Lago: either is `fail`. Every option that is not known, or that
 * cannot be as it says, is a warning. Throws `LAGO_USAGE` for a file that is not there, or is no INI file.
 */
export async function readRepomanConfig(task: Task, configPath: string): Promise<RepomanOptions> {
  const text = await readFile(configPath, 'utf8').catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error
    throw new LagoError('LAGO_USAGE', `error running repoman, ${configPath} not found`, {
      hint: 'name a file with --repoman-config, or leave it out',
      data: { path: configPath },
    })
  })
  const known = new Map<string, string>()
  for (const [section, values] of parseIni(text, configPath))
    for (const [key, value] of values) {
      if (isKnown(section, key)) known.set(key, value.trim().toLowerCase())
      else task.log('warning', `${configPath}: [${section}] ${key} means nothing to Lago`)
    }
  for (const [key, value] of Object.entries(FIXED))
    if ((known.get(key) ?? value) !== value) task.log('warning', `${configPath}: ${key} is always "${value}" with Lago`)
  const wrongDistro = known.get('on_wrong_distro') ?? 'fail'
  return {
    onEmptySource: (known.get('on_empty_source') ?? 'fail') === 'fail' ? 'fail' : 'warn',
    onWrongDistro: wrongDistro === 'fail' || wrongDistro === 'copy_to_all' ? wrongDistro : 'warn',
  }
}

/** repoman looks in `[main]` for what a section of its own does not have. */
function isKnown(section: string, key: string): boolean {
  if (key === 'on_empty_source') return section === 'main'
  return (key === 'on_wrong_distro' || key in FIXED) && (section === 'main' || section === 'store.RPMStore')
}
