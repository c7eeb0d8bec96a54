/** Files of this host that an init file names: where they are, and whether they can be used. */
import { access, constants, stat } from 'node:fs/promises'
import path from 'node:path'
import { expandVars } from '../base/expand-vars.js'

export interface PathContext {
  /** For `$NAME`, beside the prefix's own. */
  readonly vars: Readonly<Record<string, string | undefined>>
  /** Relative paths start here (spec 6.3). */
  readonly cwd: string
  /** Absolute; of a new prefix: it must not exist, its parent must. */
  readonly prefixDir: string
}

/** From a path as written to an absolute one. */
export function pathExpander(context: PathContext): (rawPath: string) => string {
  const expand = textExpander(context)
  return (rawPath) => path.resolve(context.cwd, expand(rawPath))
}

/** From a text as written to one without variables, but those that are not set. */
export function textExpander({ vars, prefixDir }: PathContext): (text: string) => string {
  const known = { ...vars, LAGO_PREFIX_PATH: prefixDir, LAGO_WORKDIR_PATH: path.dirname(prefixDir) }
  return (text) => expandVars(text, known)
}

/** What keeps the file from being read, in words; undefined when it is there. */
export async function fileProblem(filePath: string): Promise<string | undefined> {
  const entry = await stat(filePath).catch(() => undefined)
  if (entry === undefined) return `there is no file ${filePath}${whyNot(filePath)}`
  if (entry.isDirectory()) return `${filePath} is a directory, not a file`
  return access(filePath, constants.R_OK).then(
    () => undefined,
    () => `${filePath} may not be read`,
  )
}

function whyNot(filePath: string): string {
  const unset = /\$\{?\w+/.exec(filePath)?.[0]
  if (unset !== undefined) return `; ${unset} is not set`
  // suites come as init.json.in, and a sed makes the init file of it (spec 3.10)
  const placeholder = /@[A-Z_]+@/.exec(filePath)?.[0]
  return placeholder === undefined ? '' : `; ${placeholder} was not replaced by what it stands for`
}
