/** Where this program is installed: for files of the package that other programs read. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'

declare const LAGO_BUNDLED_VERSION: string | undefined

/** Absolute; chunks of the bundle are in `dist`, sources that are not bundled in `build/src/base`. */
export function packageDir(): string {
  const up = typeof LAGO_BUNDLED_VERSION === 'undefined' ? '../../..' : '..'
  return path.resolve(path.dirname(fileURLToPath(import.meta.url)), up)
}

/** A program of ours that Node runs, or loads before another one: `name` is its name in the bundle. */
export function ownModule(name: string, unbundled: string): string {
  const isBundled = typeof LAGO_BUNDLED_VERSION !== 'undefined'
  return path.join(packageDir(), isBundled ? `dist/${name}.js` : `build/src/${unbundled}.js`)
}
