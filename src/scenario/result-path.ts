/** Where the result file goes, and what it is called (spec 7.5). */
import path from 'node:path'

export interface ResultPathRequest {
  /** Absolute. */
  readonly prefixDir: string
  /** Absolute. */
  readonly cwd: string
  readonly scenarioFile: string
  readonly era: '0.x' | '1.x'
  /** As the user gave it: its directory is instead of the prefix, its last part instead of the name. */
  readonly given: string | undefined
}

/** Absolute. */
export function resultPath({ prefixDir, cwd, scenarioFile, era, given = '' }: ResultPathRequest): string {
  const base = path.basename(scenarioFile)
  const usual = era === '0.x' ? `nosetests-${base}.xml` : `${base}.junit.xml`
  const slash = given.lastIndexOf('/')
  const [dir, name] = [given.slice(0, slash + 1), given.slice(slash + 1)]
  return path.join(dir === '' ? prefixDir : path.resolve(cwd, dir), name === '' ? usual : name)
}
