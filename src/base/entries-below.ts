import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'

/**
 * All that is below `dir`, at any depth. A link is an entry, and is never followed: it may lead out, or in circles. (Node's own
 * recursive `readdir` follows links from version 26 on.)
 */
export async function entriesBelow(dir: string): Promise<Dirent[]> {
  const found: Dirent[] = []
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    found.push(entry)
    if (entry.isDirectory()) found.push(...(await entriesBelow(path.join(dir, entry.name))))
  }
  return found
}
