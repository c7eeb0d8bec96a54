/**
 * Which environments this host has, wherever their directories are: one small file for each, beside the leases. It only
 * points; what is true stands in the environments themselves.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError } from '../base/errors.js'
import { makeSharedDirs, removeTemporaries, writeJsonAtomic } from '../base/files.js'
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
  has(entry: RegisterEntry): Promise<boolean>
  list(): Promise<readonly RegisterEntry[]>
  /** Those whose directory is gone, or is another environment's. */
  listStale(): Promise<readonly RegisterEntry[]>
  /** Removes those, and what killed runs have left between them. */
  reclaim(): Promise<void>
}

/** `dir` is absolute, and made, with those above it, when the first environment is noted: group-writable. */
export function openRegister(dir: string): Register {
  const fileOf = ({ uuid, dir: envDir }: RegisterEntry): string => {
    const place = createHash('sha256').update(envDir).digest('hex').slice(0, 8) // a copy elsewhere has the same uuid
    return path.join(dir, `${uuid}-${place}.json`)
  }
  const list = async (): Promise<readonly RegisterEntry[]> => {
    const entries = await Promise.all((await namesIn(dir)).map(async (name) => readEntry(path.join(dir, name))))
    return entries.filter((entry) => entry !== undefined)
  }
  const listStale = async (): Promise<readonly RegisterEntry[]> => {
    const entries = await list()
    const isThere = await Promise.all(entries.map(isHome))
    return entries.filter((_, index) => isThere[index] === false)
  }
  return {
    async note(entry) {
      await makeSharedDirs(dir)
      await writeJsonAtomic(fileOf(entry), entry, { sync: false })
    },
    forget: async (entry) => rm(fileOf(entry), { force: true }),
    has: async (entry) => (await readEntry(fileOf(entry)))?.dir === entry.dir,
    list,
    listStale,
    async reclaim() {
      for (const entry of await listStale()) await rm(fileOf(entry), { force: true })
      await removeTemporaries(dir)
    },
  }
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

/** Undefined for what is no entry, or cannot be read. */
async function readEntry(file: string): Promise<RegisterEntry | undefined> {
  try {
    const { uuid, dir } = JSON.parse(await readFile(file, 'utf8')) as {
      readonly uuid?: unknown
      readonly dir?: unknown
    }
    const isEntry = typeof uuid === 'string' && typeof dir === 'string' && path.isAbsolute(dir) && !dir.includes('\0')
    return isEntry ? { uuid, dir } : undefined
  } catch {
    return undefined
  }
}
