/** Modes of files in packages. */
import { chmod, readdir, stat } from 'node:fs/promises'
import path from 'node:path'

/** Of `dir` (absolute) and all in it: whoever packs may have any umask; what may be run stays so. */
export async function normalizeModes(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const filePath = path.join(entry.parentPath, entry.name)
    if (entry.isDirectory()) await chmod(filePath, 0o755)
    else if (entry.isFile()) await chmod(filePath, (await isForRunning(filePath)) ? 0o755 : 0o644)
  }
  await chmod(dir, 0o755)
}

async function isForRunning(filePath: string): Promise<boolean> {
  return ((await stat(filePath)).mode & 0o100) !== 0
}
