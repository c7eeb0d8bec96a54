/** The program's own version: put in by the bundler, read from package.json where the code runs unbundled. */
import { createRequire } from 'node:module'

declare const LAGO_BUNDLED_VERSION: string | undefined

export function lagoVersion(): string {
  if (typeof LAGO_BUNDLED_VERSION !== 'undefined') return LAGO_BUNDLED_VERSION
  const manifest = createRequire(import.meta.url)('../../../package.json') as { version: string } // our own file
  return manifest.version
}
