/** The program's own version: put in by the bundler; where the code runs unbundled, what the last build has noted. */
import { createRequire } from 'node:module'

declare const LAGO_BUNDLED_VERSION: string | undefined

export function lagoVersion(): string {
  return typeof LAGO_BUNDLED_VERSION === 'undefined' ? notedVersion() : LAGO_BUNDLED_VERSION
}

/** `build/version.json`; before there was a build, what package.json records. */
function notedVersion(): string {
  const require = createRequire(import.meta.url)
  try {
    return (require('../../version.json') as { version: string }).version // our own files
  } catch {
    return (require('../../../package.json') as { version: string }).version
  }
}
