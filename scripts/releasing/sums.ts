/** `SHA256SUMS` of a snapshot or of `stable/X.0`, as `sha256sum --check` reads it. */
import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { fanOut } from '../../src/base/fan-out.js'
import { isSystemError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'
import type { Task } from '../../src/base/task.js'
import { CHANGELOG, RELEASE_INFO, SNAPSHOT_INFO } from './layout.js'
import { namesIn, packagePathsIn, sha256Of } from './package-files.js'
import { isSignedBy, signDetached, type SigningKey } from './sign.js'

export const SUMS = 'SHA256SUMS'

/**
 * Writes the sums of the packages, of the changelog, and of `snapshot.json` or `release.json`, in `dir`; with a signature
 * beside them when there is a `key`. What is right already is not written again. `nextReleases`: what `release.json` is going
 * to be, which is written last.
 */
export async function writeSums(
  task: Task,
  dir: string,
  key: SigningKey | undefined,
  nextReleases?: string,
): Promise<void> {
  const [sumsPath, signaturePath] = [path.join(dir, SUMS), path.join(dir, `${SUMS}.asc`)]
  const text = await sumsOf(task, dir, nextReleases)
  const before = await readFile(sumsPath, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  if (before !== text) await writeFileAtomic(sumsPath, text)
  if (key === undefined) return rm(signaturePath, { force: true })
  if (before === text && (await pathExists(signaturePath)) && (await isSignedBy(task, key, sumsPath, signaturePath)))
    return
  await writeFileAtomic(signaturePath, await signDetached(task, key, sumsPath))
}

/** The text that `SHA256SUMS` should have. */
export async function sumsOf(task: Task, dir: string, nextReleases?: string): Promise<string> {
  const isText = (name: string): boolean => [SNAPSHOT_INFO, RELEASE_INFO].includes(name) || name.startsWith(CHANGELOG)
  const texts = new Set((await namesIn(dir)).filter(isText))
  if (nextReleases !== undefined) texts.add(RELEASE_INFO)
  const files = [...texts, ...(await packagePathsIn(dir))].sort()
  const lines = await fanOut(task, files, async (file) => {
    const isNext = file === RELEASE_INFO && nextReleases !== undefined
    const sum = isNext ? sha256OfText(nextReleases) : await sha256Of(path.join(dir, file))
    return `${sum}  ${file}\n`
  })
  return lines.join('')
}

function sha256OfText(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export async function faultsOfSums(task: Task, dir: string): Promise<readonly string[]> {
  const sumsPath = path.join(dir, SUMS)
  const found = await readFile(sumsPath, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  })
  if (found === undefined) return [`${sumsPath} is missing`]
  return found === (await sumsOf(task, dir))
    ? []
    : [`${sumsPath} does not have the checksums of the files that are there`]
}
