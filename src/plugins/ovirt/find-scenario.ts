/** Where the file of a scenario is: the guide calls scenarios by their names alone, from inside the prefix. */
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../../base/errors.js'

const SCENARIOS_DIR = 'test-scenarios'

export interface ScenarioPlaces {
  /** Absolute; paths start here. */
  readonly cwd: string
  /** Directories of suites, the likeliest first; undefined ones do not count. */
  readonly suiteDirs: readonly (string | undefined)[]
}

/**
 * The file as given, below `cwd`; a name without a directory is looked for also in `test-scenarios` of each suite. Absolute,
 * with the links of its directory resolved: it keeps the name by which it was called. Undefined when it is nowhere.
 */
export async function findScenario(file: string, { cwd, suiteDirs }: ScenarioPlaces): Promise<string | undefined> {
  const isName = path.basename(file) === file
  const suites = suiteDirs.flatMap((dir) => (dir === undefined || dir === '' ? [] : [path.resolve(cwd, dir)]))
  const candidates = [cwd, ...(isName ? suites.map((dir) => path.join(dir, SCENARIOS_DIR)) : [])]
  for (const candidate of candidates.map((dir) => path.resolve(dir, file)))
    if (await isFile(candidate)) return path.join(await realpath(path.dirname(candidate)), path.basename(candidate))
  return undefined
}

async function isFile(filePath: string): Promise<boolean> {
  try {
    return (await stat(filePath)).isFile()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}
