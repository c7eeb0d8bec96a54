/** Where packages stand in a snapshot, by their file names; and whether these are true. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../../src/base/errors.js'
import { entriesBelow } from '../../src/base/entries-below.js'
import type { Task } from '../../src/base/task.js'
import { scriptCommand } from '../script-path.js'
import { faultsOfPackages } from './package-faults.js'

export interface PlacedPackage {
  /** Absolute, where it was built. */
  readonly fromPath: string
  /** Below the snapshot: `rpm/el9/lago-2.0.1-1.el9.noarch.rpm`. */
  readonly path: string
}

/**
 * Of all packages in `dir` (absolute), however deep, as a pipeline has built them; other files are left alone. Sorted.
 * Throws `LAGO_RELEASE_PACKAGES` when there is no such directory, when there are none in it, when one is of another version or
 * release or has a name that lists could not have, when an RPM is for no distribution by its name, and when two have one name.
 */
export async function packagesBelow(
  dir: string,
  { version, release }: { readonly version: string; readonly release: string },
): Promise<readonly PlacedPackage[]> {
  await requireDirectory(dir)
  const files = (await entriesBelow(dir)).filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
  const placed = files
    .map((entry) => ({ fromPath: path.join(entry.parentPath, entry.name), path: placeOf(entry.name) }))
    .flatMap(({ fromPath, path }) => (path === undefined ? [] : [{ fromPath, path }]))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  if (placed.length === 0)
    throw unusable(`there are no packages in ${dir}`, 'name the directory that they were built into')
  for (const [index, { fromPath, path: place }] of placed.entries()) {
    requirePlainName(fromPath)
    if (!isOfVersion(path.basename(place), version))
      throw unusable(
        `${fromPath} is not of the version ${version}, that of the project`,
        `build the packages of this commit, without LAGO_VERSION; ${scriptCommand('version_manager')} tells its version`,
      )
    if (!isOfRelease(path.basename(place), { version, release }))
      throw unusable(
        `${fromPath} is not of the release ${release}`,
        'give --release the number in the names of packages',
      )
    if (placed[index + 1]?.path === place)
      throw unusable(`${fromPath} and ${placed[index + 1]?.fromPath ?? ''} have one name`, 'remove one of them')
  }
  return placed
}

async function requireDirectory(dir: string): Promise<void> {
  const entry = await stat(dir).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
  if (entry?.isDirectory() === true) return
  const found = entry === undefined ? `there is no directory ${dir}` : `${dir} is no directory`
  throw unusable(found, 'name the directory that the packages were built into')
}

/** What is on one line is a package by its name, and checksums are lines. */
function requirePlainName(filePath: string): void {
  const name = path.basename(filePath)
  if (!/[\p{Cc}\u2028\u2029]/u.test(name)) return
  const where = `in ${path.dirname(filePath)} has control characters in it`
  throw unusable(`the name ${JSON.stringify(name)} ${where}`, 'give it another name, or remove it')
}

/** Throws `LAGO_RELEASE_PACKAGES` with all packages that are damaged, or others than their names say. */
export async function requireSound(task: Task, packages: readonly PlacedPackage[]): Promise<void> {
  const faults = await faultsOfPackages(
    task,
    packages.map(({ fromPath }) => fromPath),
  )
  if (faults.length > 0)
    throw unusable(faults.join('; '), 'build them anew, or copy them anew from where they were built')
}

function placeOf(name: string): string | undefined {
  if (name.endsWith('.src.rpm') || name.endsWith('.tar.gz')) return `sources/${name}`
  if (name.endsWith('.deb')) return `deb/${name}`
  if (name.endsWith('.tgz')) return `npm/${name}`
  if (!name.endsWith('.rpm')) return undefined
  // NAME-VERSION-RELEASE.ARCH.rpm; of 1.el9_3 the distribution is el9, of 1.fc42.1 fc42
  const dist = /-[^-]*\.([a-z]+\d+)[^-.]*(?:\.\d+)*\.[^-.]+\.rpm$/.exec(name)?.[1]
  if (dist === undefined)
    throw unusable(`the release of ${name} names no distribution`, 'build it for one: rpmbuild --define "dist .el9"')
  return `rpm/${dist}/${name}`
}

/** By the name of the file. */
export function isOfVersion(name: string, version: string): boolean {
  return [`-${version}-`, `_${version}-`, `-${version}.tgz`, `-${version}.tar.gz`].some((part) => name.includes(part))
}

/** Behind the number may stand more: `2.0.1-1.el9`, `2.0.1-1ubuntu1`. */
function isOfRelease(
  name: string,
  { version, release }: { readonly version: string; readonly release: string },
): boolean {
  const rest = new RegExp(`[-_]${version.replaceAll('.', '\\.')}-(.*)`).exec(name)?.[1]
  return rest === undefined || new RegExp(`^${release}(?!\\d|\\.\\d)`).test(rest)
}

function unusable(message: string, hint: string): LagoError {
  return new LagoError('LAGO_RELEASE_PACKAGES', message, { hint })
}
