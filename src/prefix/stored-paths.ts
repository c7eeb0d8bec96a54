/** Paths below the prefix are stored relative to it, so that it can be moved (spec 2.2). No other file knows how. */
import { expandVars } from '../base/expand-vars.js'

const PREFIX_VARIABLE = 'LAGO_PREFIX_PATH'

export function toStoredPath(filePath: string, prefixDir: string): string {
  return filePath.startsWith(`${prefixDir}/`) ? `$${PREFIX_VARIABLE}${filePath.slice(prefixDir.length)}` : filePath
}

export function fromStoredPath(stored: string, prefixDir: string): string {
  return expandVars(stored, { [PREFIX_VARIABLE]: prefixDir })
}
