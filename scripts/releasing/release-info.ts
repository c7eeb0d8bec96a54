/** `stable/X.0/release.json`: what was promoted when. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { isLagoError, isSystemError, LagoError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'
import { majorOf, RELEASE_INFO, stableDir, unstableDir } from './layout.js'
import { isOfVersion } from './place-packages.js'
import { isSnapshotName, readSnapshot, RELEASED_FIELDS } from './snapshot-info.js'
import { majorsIn } from './tree.js'
import type { Release, ReleaseInfo } from './types.js'

const releaseInfo = z.object({
  format: z.literal(1),
  releases: z.array(
    z.object({
      ...RELEASED_FIELDS,
      snapshot: z.string(),
      promotedAt: z.iso.datetime(),
      reasons: z.array(z.string()),
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
  await writeFileAtomic(path.join(stableDir(treeDir, major), RELEASE_INFO), releasesText(info))
}

export function releasesText(info: ReleaseInfo): string {
  return `${JSON.stringify(info, undefined, 2)}\n`
}

/** What is said of releases that is not true of `stable/X.0`, or of their snapshots as far as those are still there. */
export async function faultsOfReleases(
  treeDir: string,
  major: number,
  releases: readonly Release[],
): Promise<readonly string[]> {
  const faults: string[] = []
  for (const [index, one] of releases.entries()) {
    const { version, release, snapshot, promotedAt, files } = one
    if (majorOf(version) !== major) faults.push(`${version}, which does not belong there`)
    if (releases.findIndex((other) => other.version === version && other.release === release) !== index)
      faults.push(`${version} twice`)
    if (Date.parse(promotedAt) > Date.now() + DAY_MS) faults.push(`${version} as promoted at ${promotedAt}`)
    for (const file of files)
      if (!isOfVersion(path.basename(file.path), version)) faults.push(`${file.path} as of ${version}`)
    if (isSnapshotName(snapshot, major)) faults.push(...(await differences(unstableDir(treeDir, major), one)))
    else faults.push(`${JSON.stringify(snapshot)} as the snapshot of ${version}, which is none of ${major}.0`)
  }
  return faults.map((fault) => `${path.join(stableDir(treeDir, major), RELEASE_INFO)} has ${fault}`)
}

/** Clocks of two hosts are not the same. */
const DAY_MS = 24 * 60 * 60 * 1000

async function differences(unstable: string, release: Release): Promise<readonly string[]> {
  const info = await readSnapshot(path.join(unstable, release.snapshot)).catch((error: unknown) => {
    if (isLagoError(error, 'LAGO_SNAPSHOT')) return undefined // it was pruned, or is a finding of its own
    throw error
  })
  if (info === undefined) return []
  const other = (['version', 'release', 'commit', 'notes', 'isSigned', 'files'] as const).filter(
    (field) => !isDeepStrictEqual(info[field], release[field]),
  )
  return other.map((field) => `for ${release.version} another value of "${field}" than ${release.snapshot}`)
}
