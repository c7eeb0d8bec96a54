/** The copy of a repository on this host: the files of its packages, and a note of those that were verified. */
import { createReadStream, createWriteStream } from 'node:fs'
import { lstat, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { entriesBelow } from '../base/entries-below.js'
import { isLagoError, isSystemError } from '../base/errors.js'
import { makeSharedDirs, removeTemporaries, temporaryPathFor, writeFileAtomic } from '../base/files.js'
import type { Task } from '../base/task.js'
import { verified } from './checksum.js'
import type { RepositoryPackage } from './repository-package.js'

export interface PackageDir {
  /**
   * True when its file is there with the right size and checksum. One whose size and time of change are those that it
   * had when its checksum was found right is not read again. What has only just changed, as all that was received, is
   * read again by the next run: a change in the same tick of the file system's clock would leave no trace.
   */
  has(task: Task, entry: RepositoryPackage): Promise<boolean>
  /** There under its name only when it is whole and right. Throws `LAGO_RPM_REPOSITORY`, and what `chunks` throw. */
  receive(entry: RepositoryPackage, chunks: AsyncIterable<Buffer>): Promise<void>
  /** Deletes all other files whose names end in `.rpm`, and gives their paths; links are not followed. */
  keepOnly(entries: readonly RepositoryPackage[]): Promise<readonly string[]>
  /** Deletes the packages of these file names, wherever in the directory. */
  removeNamed(names: ReadonlySet<string>): Promise<readonly string[]>
  /** Writes down what was verified. */
  save(): Promise<void>
}

type Verified = readonly [sizeBytes: number, mtimeMs: number, checksum: string]

const NOTE = '.lago-verified.json'
/** Two changes of a file this far apart have two times: FAT counts in steps of 2 s, Linux's own stamps in 10 ms at most. */
const COARSEST_MS = 2000

/** Makes it when missing. Only one at a time may have it open: see the lock of the synchronisation. */
export async function openPackageDir(dir: string): Promise<PackageDir> {
  await makeSharedDirs(dir)
  await removeTemporaries(dir)
  for (const subDir of await directoriesBelow(dir)) await removeTemporaries(path.join(dir, subDir))
  const known = await readNote(path.join(dir, NOTE))
  const note = new Map<string, Verified>()
  const remove = async (isMeant: (file: string) => boolean): Promise<readonly string[]> => {
    const meant = (await copiedPackagesBelow(dir)).filter(isMeant)
    for (const file of meant) {
      await rm(path.join(dir, file), { force: true })
      note.delete(file)
    }
    return meant.map((file) => path.join(dir, file))
  }
  return {
    async has(task, entry) {
      const filePath = path.join(dir, entry.href)
      const nowMs = Date.now()
      const found = await lstat(filePath).catch(() => undefined)
      if (found?.isFile() !== true || found.size !== entry.sizeBytes) return false
      const [size, mtimeMs, checksum] = note.get(entry.href) ?? known.get(entry.href) ?? []
      const isKnown = size === found.size && mtimeMs === found.mtimeMs
      const wanted = `${entry.checksum.algorithm}:${entry.checksum.hex}`
      const isRight = isKnown ? checksum === wanted : await isVerified(task, filePath, entry)
      if (isRight && nowMs - found.mtimeMs > COARSEST_MS) note.set(entry.href, [found.size, found.mtimeMs, wanted])
      return isRight
    },
    async receive(entry, chunks) {
      const filePath = path.join(dir, entry.href)
      await makeSharedDirs(path.dirname(filePath))
      const temporaryPath = temporaryPathFor(filePath)
      try {
        await writeChunks(temporaryPath, verified(chunks, `the package ${path.basename(entry.href)}`, entry))
        await rename(temporaryPath, filePath)
      } catch (error) {
        await rm(temporaryPath, { force: true })
        throw error
      }
    },
    async keepOnly(entries) {
      const kept = new Set(entries.map(({ href }) => href))
      return remove((file) => !kept.has(file))
    },
    async removeNamed(names) {
      return remove((file) => names.has(path.basename(file)))
    },
    async save() {
      await writeFileAtomic(path.join(dir, NOTE), JSON.stringify(Object.fromEntries(note)), { sync: false })
    },
  }
}

async function isVerified(task: Task, filePath: string, entry: RepositoryPackage): Promise<boolean> {
  try {
    for await (const _ of verified(createReadStream(filePath), filePath, entry)) task.signal.throwIfAborted()
    return true
  } catch (error) {
    if (isLagoError(error, 'LAGO_RPM_REPOSITORY')) return false
    throw error
  }
}

/** Readable as the umask has it: others may use the packages. */
async function writeChunks(filePath: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  await pipeline(chunks, createWriteStream(filePath, { flags: 'wx' })).catch((error: unknown) => {
    if (isSystemError(error, 'ENOSPC', 'EDQUOT')) error.path ??= filePath
    throw error
  })
}

/** Relative to `dir`, files alone: a link in a copy is nothing that was copied. */
async function copiedPackagesBelow(dir: string): Promise<string[]> {
  const entries = await entriesBelow(dir)
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.rpm'))
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
}

async function directoriesBelow(dir: string): Promise<string[]> {
  const entries = await entriesBelow(dir)
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
}

/** Whatever stands there instead only costs time. */
async function readNote(notePath: string): Promise<ReadonlyMap<string, Verified>> {
  const note: unknown = await readFile(notePath, 'utf8')
    .then(JSON.parse)
    .catch(() => undefined)
  return new Map(typeof note === 'object' && note !== null ? Object.entries(note).filter(isVerifiedEntry) : [])
}

function isVerifiedEntry(entry: [string, unknown]): entry is [string, Verified] {
  const [, fact] = entry
  return Array.isArray(fact) && fact.length === 3
}
