/** Back from a deploy script's copy in the prefix to the file that it was made of (deploy-scripts.ts). */
import { lstat } from 'node:fs/promises'
import path from 'node:path'

/**
 * The copy is called as the source's path with every `/` as `_`. Undefined when no file of this host fits the name, or
 * several do.
 */
export async function findSource(copyPath: string): Promise<string | undefined> {
  const name = path.basename(copyPath)
  const found = name.startsWith('_') ? await filesCalled('/', name.slice(1)) : []
  return found.length === 1 ? found[0] : undefined
}

/** Looks only below directories that are there, so that few of the ways to read `flat` are tried. */
async function filesCalled(dir: string, flat: string): Promise<string[]> {
  const whole = path.join(dir, flat)
  const found = flat !== '' && (await lstat(whole).catch(() => undefined))?.isFile() === true ? [whole] : []
  for (let at = flat.indexOf('_', 1); at !== -1; at = flat.indexOf('_', at + 1)) {
    const below = path.join(dir, flat.slice(0, at))
    const isDir = (await lstat(below).catch(() => undefined))?.isDirectory() === true
    if (isDir && !below.endsWith('/..')) found.push(...(await filesCalled(below, flat.slice(at + 1))))
  }
  return found
}
