/** Where RPM files are in a directory. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { entriesBelow } from '../base/entries-below.js'

export function isPackageFile(name: string): boolean {
  return name.endsWith('.rpm')
}

/** Absolute, sorted. Links to files count; links to directories do not: they may lead in circles. */
export async function packageFilesBelow(dir: string): Promise<string[]> {
  const entries = await entriesBelow(dir)
  const files: string[] = []
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name)
    if (!isPackageFile(file)) continue
    if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(file)))) files.push(file)
  }
  return files.sort()
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (entry) => entry.isFile(),
    () => false,
  )
}
