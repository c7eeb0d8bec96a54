/** `SHA256SUMS` of a snapshot or of `stable/X.0`, as `sha256sum --check` reads it. */
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { fanOut } from '../../src/base/fan-out.js'
import { isSystemError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'
import type { Task } from '../../src/base/task.js'
import { CHANGELOG, SNAPSHOT_INFO } from './layout.js'
import { namesIn, packagePathsIn, sha256Of } from './package-files.js'
import { isSignedBy, signDetached, type SigningKey } from './sign.js'

export const SUMS = 'SHA256SUMS'

/**
 * Writes the sums of the packages, of the changelog, and of `snapshot.json` where there is one, in `dir`; with a signature
 * beside them when there is a `key`. What is right already is not written again.
 */
export async function writeSums(task: Task, dir: string, key: SigningKey | undefined): Promise<void> {
  const [sumsPath, signaturePath] = [path.join(dir, SUMS), path.join(dir, `${SUMS}.asc`)]
  const text = await sumsOf(task, dir)
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
export async function sumsOf(task: Task, dir: string): Promise<string> {
  const texts = (await namesIn(dir)).filter((name) => name === SNAPSHOT_INFO || name.startsWith(CHANGELOG))
  const files = [...texts, ...(await packagePathsIn(dir))].sort()
  const lines = await fanOut(task, files, async (file) => `${await sha256Of(path.join(dir, file))}  ${file}\n`)
  return lines.join('')
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
