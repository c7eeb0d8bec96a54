/** What is known of RPM files between runs, so that only those are read that are new. */
import { readFile } from 'node:fs/promises'
import { writeJsonAtomic } from '../base/files.js'
import type { KnownPackages, PackageFacts } from './read-packages.js'

export interface StoredPackages extends KnownPackages {
  /** Writes down what was asked for or added since it was opened; the rest is forgotten. */
  save(): Promise<void>
}

/** A file that is not there, or cannot be read, is one in which nothing is known. One writer at a time. */
export async function openKnownPackages(filePath: string): Promise<StoredPackages> {
  const before = await readKnown(filePath)
  const used = new Map<string, PackageFacts>()
  return {
    get(key) {
      const facts = used.get(key) ?? before.get(key)
      if (facts !== undefined) used.set(key, facts)
      return facts
    },
    set: (key, facts) => used.set(key, facts),
    save: async () => writeJsonAtomic(filePath, { packages: [...used] }, { sync: false }),
  }
}

async function readKnown(filePath: string): Promise<ReadonlyMap<string, PackageFacts>> {
  try {
    const { packages } = JSON.parse(await readFile(filePath, 'utf8')) as { packages: [string, PackageFacts][] } // our own
    return new Map(packages.filter(([, { name, epoch }]) => typeof name === 'string' && typeof epoch === 'number'))
  } catch {
    return new Map()
  }
}
