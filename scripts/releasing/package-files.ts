/** The packages of a snapshot, or of `stable/X.0`: which there are, whether they are what is said of them, and copying them. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, copyFile, link, lstat, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../../src/base/errors.js'
import { fanOut } from '../../src/base/fan-out.js'
import { removeTemporaries, temporaryPathFor } from '../../src/base/files.js'
import type { Task } from '../../src/base/task.js'
import { makeTreeDirs } from './tree-dirs.js'
import type { PackageFile } from './types.js'

/** Those that are in `dir` (absolute) by their places and names, hashed; sorted by path. `isWanted` is asked for each path. */
export async function packageFilesIn(
  task: Task,
  dir: string,
  isWanted: (file: string) => boolean = () => true,
): Promise<readonly PackageFile[]> {
  return fanOut(task, (await packagePathsIn(dir)).filter(isWanted), async (file) => factsOf(dir, file))
}

/** Below `dir`, sorted; files alone. */
export async function packagePathsIn(dir: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const place of ['deb', 'npm', 'sources', ...(await namesIn(path.join(dir, 'rpm'))).map((dist) => `rpm/${dist}`)])
    for (const name of await namesIn(path.join(dir, place))) {
      const file = `${place}/${name}`
      if (isPackage(place, name) && (await lstat(path.join(dir, file))).isFile()) found.push(file)
    }
  return found.sort()
}

const NAMES_BY_PLACE: Readonly<Record<string, RegExp>> = {
  deb: /^[^.].*\.deb$/,
  npm: /^[^.].*\.tgz$/,
  sources: /^[^.].*\.(src\.rpm|tar\.gz)$/,
  rpm: /^[^.].*\.rpm$/,
}

function isPackage(place: string, name: string): boolean {
  return NAMES_BY_PLACE[path.dirname(place) === '.' ? place : path.dirname(place)]?.test(name) === true
}

/** None where there is no such directory. */
export async function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  })
}

type Named = Pick<PackageFile, 'path'>

/** Paths that only one of them has; empty: both have the same. */
export function pathsOfOneAlone(one: readonly Named[], other: readonly Named[]): readonly string[] {
  const [ones, others] = [one.map((file) => file.path), other.map((file) => file.path)]
  return [...ones.filter((file) => !others.includes(file)), ...others.filter((file) => !ones.includes(file))]
}

async function factsOf(dir: string, file: string): Promise<PackageFile> {
  const filePath = path.join(dir, file)
  return { path: file, sizeBytes: (await stat(filePath)).size, sha256: await sha256Of(filePath) }
}

export async function sha256Of(filePath: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(filePath)) hash.update(chunk as Buffer) // of a stream without encoding
  return hash.digest('hex')
}

/** What is in `dir` beside `known`, and is no file whose name begins with its SHA-256, as those of lists do; one line each. */
export async function straysBesideLists(dir: string, known: readonly string[]): Promise<readonly string[]> {
  const strays: string[] = []
  for (const name of (await namesIn(dir)).filter((name) => !known.includes(name))) {
    const filePath = path.join(dir, name)
    const isList = (await lstat(filePath)).isFile() && name.startsWith(await sha256Of(filePath))
    if (!isList) strays.push(`${filePath} does not belong there`)
  }
  return strays
}

/** What is wrong with `files` in `dir`, one line each; empty: all are there as they should be. */
export async function faultsOf(task: Task, dir: string, files: readonly PackageFile[]): Promise<readonly string[]> {
  const faults = await fanOut(task, files, async (file) => {
    const filePath = path.join(dir, file.path)
    const entry = await lstat(filePath).catch((error: unknown) => {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
      throw error
    })
    if (entry === undefined) return [`${filePath} is missing`]
    if (!entry.isFile()) return [`${filePath} is no regular file`]
    const found = await sha256Of(filePath)
    return found === file.sha256 ? [] : [`${filePath} has the SHA-256 ${found}, and should have ${file.sha256}`]
  })
  return faults.flat()
}

/**
 * Has `files` in `toDir`, too, as they are in `fromDir` (both absolute): as hard links where that is possible, else as copies. May
 * be called again, and finishes what an earlier call has begun. The caller holds the lock of the tree.
 *
 * Nothing is touched unless all can be added. Throws `LAGO_RELEASE_FILE_DIFFERS` when a file of the name is there with another
 * content, `LAGO_RELEASE_FILE_DAMAGED` when one in `fromDir` is not what `files` say.
 */
export async function addFiles(
  task: Task,
  fromDir: string,
  toDir: string,
  files: readonly PackageFile[],
): Promise<void> {
  await requireIntact(task, fromDir, files)
  const missing: PackageFile[] = []
  for (const file of files) {
    const there = await sha256Of(path.join(toDir, file.path)).catch((error: unknown) => {
      if (isSystemError(error, 'ENOENT')) return undefined
      throw error
    })
    if (there === undefined) missing.push(file)
    else if (there !== file.sha256) throw differs(path.join(toDir, file.path), there, file)
  }
  for (const dir of new Set(files.map((file) => path.dirname(path.join(toDir, file.path))))) {
    await makeTreeDirs(dir)
    await removeTemporaries(dir)
  }
  for (const file of missing) {
    task.signal.throwIfAborted()
    await linkOrCopy(path.join(fromDir, file.path), path.join(toDir, file.path))
  }
}

/** Throws `LAGO_RELEASE_FILE_DAMAGED`, which lists every file that is not what `files` say of it. */
export async function requireIntact(task: Task, dir: string, files: readonly PackageFile[]): Promise<void> {
  const faults = await faultsOf(task, dir, files)
  if (faults.length === 0) return
  throw new LagoError('LAGO_RELEASE_FILE_DAMAGED', faults.join('; '), {
    hint: 'make the snapshot anew under another pipeline number',
    data: { dir, faults },
  })
}

/** A hard link where that is possible: to another disk it is not, and of somebody else's file it may not be allowed. */
export async function linkOrCopy(fromPath: string, toPath: string): Promise<void> {
  try {
    await link(fromPath, toPath)
  } catch (error) {
    if (!isSystemError(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'ENOSYS')) throw error
    await copyWhole(fromPath, toPath)
  }
}

/** There under its name only when it is whole and on the disk; readable by everybody. */
export async function copyWhole(fromPath: string, toPath: string): Promise<void> {
  const temporaryPath = temporaryPathFor(toPath)
  try {
    await copyFile(fromPath, temporaryPath)
    await chmod(temporaryPath, 0o644)
    const file = await open(temporaryPath, 'r')
    await file.sync().finally(async () => file.close())
    await rename(temporaryPath, toPath)
  } catch (error) {
    await rm(temporaryPath, { force: true })
    throw error
  }
}

/** By their names; of others `--release` makes new files. */
const WITHOUT_RELEASE = /\.(tgz|tar\.gz)$/

function differs(filePath: string, found: string, { sha256 }: PackageFile): LagoError {
  const message = `${filePath} is there already with another content: its SHA-256 is ${found}, that of the new file ${sha256}`
  const otherWay = WITHOUT_RELEASE.test(filePath)
    ? 'make a snapshot without it: its name has no release number'
    : 'with another release number'
  return new LagoError('LAGO_RELEASE_FILE_DIFFERS', message, {
    hint: `what users may have installed is never replaced: release it under another version, or ${otherWay}`,
    data: { path: filePath, found, wanted: sha256 },
  })
}
