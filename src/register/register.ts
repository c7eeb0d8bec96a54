/**
 * Which environments this host has, wherever their directories are: one small file for each, beside the leases. It only
 * points; what is true stands in the environments themselves.
 */
import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../base/errors.js'
import { isTemporaryName, makeSharedDirs, removeTemporaries, writeJsonAtomic } from '../base/files.js'
import { readSmallFile } from '../base/read-small-file.js'
import { holdsUuid } from '../base/uuid-file.js'

/** An environment and its directory. */
export interface RegisterEntry {
  readonly uuid: string
  /** Absolute. */
  readonly dir: string
}

export interface Register {
  /** Throws the system's error where the register cannot be written. */
  note(entry: RegisterEntry): Promise<void>
  /** Does nothing for one that is not there. */
  forget(entry: RegisterEntry): Promise<void>
  /** Environments that were in its directory before it, as an `init` that was killed. */
  forgetFormer(entry: RegisterEntry): Promise<void>
  /** Where environments with this uuid, or one that begins so, are: a copy has that of its original. */
  find(uuid: string): Promise<readonly RegisterEntry[]>
  /** Whatever else lies there is passed over. */
  list(): Promise<readonly RegisterEntry[]>
  /** Those whose directory is gone, or is another environment's. */
  listStale(): Promise<readonly RegisterEntry[]>
  /** Removes those, and what killed runs have left between them. */
  reclaim(): Promise<void>
}

/** `dir` is absolute, and made, with those above it, when the first environment is noted: group-writable. */
export function openRegister(dir: string): Register {
  const fileOf = (entry: RegisterEntry): string => path.join(dir, `${entry.uuid}${endOf(entry)}`)
  const readAll = async (begin = ''): Promise<readonly EntryFile[]> => {
    const names = (await namesIn(dir)).filter((name) => name.startsWith(begin) && !isTemporaryName(name))
    return Promise.all(names.map(async (name) => readEntry(path.join(dir, name))))
  }
  const stale = async (): Promise<readonly EntryFile[]> => {
    const files = await readAll()
    const isThere = await Promise.all(files.map(async ({ entry }) => entry !== undefined && (await isHome(entry))))
    return files.filter((_, index) => isThere[index] === false)
  }
  return {
    async note(entry) {
      await makeSharedDirs(dir)
      await writeJsonAtomic(fileOf(entry), entry, { sync: false })
    },
    forget: async (entry) => rm(fileOf(entry), { force: true }),
    async forgetFormer(entry) {
      const former = (await namesIn(dir)).filter((name) => name.endsWith(endOf(entry)) && !name.startsWith(entry.uuid))
      for (const name of former) await rm(path.join(dir, name), { force: true })
    },
    find: async (uuid) => entriesOf(await readAll(uuid)),
    list: async () => entriesOf(await readAll()),
    listStale: async () => entriesOf(await stale()),
    async reclaim() {
      for (const { file } of await stale()) await rm(file, { force: true, recursive: true }) // whatever it is
      await removeTemporaries(dir, { olderThanMs: LONGEST_WRITE_MS })
    },
  }
}

/** Nobody takes a lock to write an entry, which is a matter of milliseconds. */
const LONGEST_WRITE_MS = 3_600_000

/** Of a file's name; a copy elsewhere has the same uuid. */
function endOf({ dir }: RegisterEntry): string {
  return `-${createHash('sha256').update(dir).digest('hex').slice(0, 8)}.json`
}

/** Whether the environment is where the entry says. */
export async function isHome({ uuid, dir }: RegisterEntry): Promise<boolean> {
  return holdsUuid({ uuidPath: path.join(dir, 'uuid'), uuid })
}

async function namesIn(dir: string): Promise<readonly string[]> {
  return readdir(dir).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw error
  })
}

interface EntryFile {
  readonly file: string
  /** Undefined for what is no entry, or cannot be read. */
  readonly entry: RegisterEntry | undefined
}

function entriesOf(files: readonly EntryFile[]): readonly RegisterEntry[] {
  return files.flatMap(({ entry }) => (entry === undefined ? [] : [entry]))
}

async function readEntry(file: string): Promise<EntryFile> {
  try {
    const text = (await readSmallFile(file, { links: false })) ?? ''
    const { uuid, dir } = JSON.parse(text) as { readonly uuid?: unknown; readonly dir?: unknown }
    if (typeof uuid !== 'string' || !/^[0-9a-f]{32}$/.test(uuid)) return { file, entry: undefined }
    if (typeof dir !== 'string' || !path.isAbsolute(dir) || dir.includes('\0')) return { file, entry: undefined }
    return { file, entry: { uuid, dir } }
  } catch {
    return { file, entry: undefined }
  }
}
