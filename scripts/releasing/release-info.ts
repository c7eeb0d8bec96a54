/** `stable/X.0/release.json`: what was promoted when. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { isSystemError, LagoError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'
import { RELEASE_INFO, stableDir } from './layout.js'
import { majorsIn } from './tree.js'
import type { ReleaseInfo } from './types.js'

const releaseInfo = z.object({
  format: z.literal(1),
  releases: z.array(
    z.object({
      version: z.string().regex(/^\d+\.\d+\.\d+$/),
      release: z.string(),
      commit: z.string(),
      snapshot: z.string(),
      promotedAt: z.iso.datetime(),
      reasons: z.array(z.string()),
      files: z.array(z.object({ path: z.string(), sizeBytes: z.number(), sha256: z.string() })),
    }),
  ),
})

/** Of all majors; in ascending order of these. */
export async function readAllReleases(treeDir: string): Promise<readonly ReleaseInfo[]> {
  return Promise.all((await majorsIn(treeDir, 'stable')).map(async (major) => readReleases(treeDir, major)))
}

/** Without releases where none was made. Throws `LAGO_RELEASE_TREE` for a file that cannot be understood. */
export async function readReleases(treeDir: string, major: number): Promise<ReleaseInfo> {
  const filePath = path.join(stableDir(treeDir, major), RELEASE_INFO)
  const text = await readFile(filePath, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  if (text === undefined) return { format: 1, releases: [] }
  try {
    return releaseInfo.parse(JSON.parse(text))
  } catch (error) {
    throw new LagoError('LAGO_RELEASE_TREE', `${filePath} cannot be understood`, {
      hint: 'take the file from a copy of the tree',
      cause: error,
    })
  }
}

export async function writeReleases(treeDir: string, major: number, info: ReleaseInfo): Promise<void> {
  const filePath = path.join(stableDir(treeDir, major), RELEASE_INFO)
  await writeFileAtomic(filePath, `${JSON.stringify(info, undefined, 2)}\n`)
}
