/** Files that a program on this host reads, for as long as it runs: of this user alone, and gone afterwards. */
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { explainSystemError } from '../../base/errors.js'
import { makeScratchDir } from '../../base/scratch-dir.js'

export interface WorkDir {
  /** Absolute. */
  readonly path: string
  /** Absolute path of the new file, another one at every call. */
  write(name: string, content: string): Promise<string>
}

/** Throws `LAGO_NO_SPACE`, `LAGO_PERMISSION`, `LAGO_FILE`, and what `use` throws. */
export async function withWorkDir<T>(use: (dir: WorkDir) => Promise<T>): Promise<T> {
  const dir = await makeScratchDir('guestfs').catch(explained)
  try {
    let count = 0
    return await use({
      path: dir,
      async write(name, content) {
        const filePath = path.join(dir, `${name}-${++count}`)
        await writeFile(filePath, content, { mode: 0o600, flag: 'wx' }).catch(explained)
        return filePath
      },
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function explained(error: unknown): never {
  throw explainSystemError(error)
}
