/**
 * A workdir: a directory of prefixes with a `current` link to one of them (spec 2.1).
 * It knows names and links, not what is inside a prefix.
 */
import { lstat, readdir, readlink, rename, rm, rmdir, stat, symlink } from 'node:fs/promises'
import type { Dirent } from 'node:fs'
import path from 'node:path'
import { isSystemError, LagoError } from '../base/errors.js'
import { makePassableDirs, temporaryPathFor } from '../base/files.js'
import { isOldPrefix, OLD_MARKER } from '../base/prefix-era.js'
import type { UndoStack } from '../base/undo.js'

export interface Workdir {
  /** Absolute. */
  readonly dir: string
  /** Sorted. */
  readonly prefixes: readonly string[]
  readonly current: string | undefined
}

export const CURRENT = 'current'
export const DEFAULT_PREFIX = 'default'

/** True for a directory with a link named `current`, which is all that makes a workdir. */
export async function isWorkdir(dir: string): Promise<boolean> {
  return lstat(path.join(dir, CURRENT)).then(
    (entry) => entry.isSymbolicLink(),
    () => false,
  )
}

/** Throws `LAGO_NO_WORKDIR` when `dir` is none, saying what is missing. */
export async function readWorkdir(dir: string): Promise<Workdir> {
  const link = path.join(dir, CURRENT)
  const entry = await lstat(link).catch(() => undefined)
  if (entry === undefined) {
    const missing = await isMissingOrEmpty(dir)
    throw noWorkdir(missing ? `Empty dir ${dir}` : `"${link}" should exist and be a soft link`)
  }
  if (!entry.isSymbolicLink()) throw noWorkdir(`"${link}" should be a soft link`)
  return { dir, prefixes: await prefixNames(dir), current: path.basename(await readlink(link)) }
}

/**
 * The workdir with a `current` that exists: for a broken link `default`, else the last name (spec 1.5). Nothing is
 * written: the link may be another user's, or of an `init` that is just making its prefix.
 */
export function withExistingCurrent(workdir: Workdir): Workdir {
  if (workdir.current !== undefined && workdir.prefixes.includes(workdir.current)) return workdir
  return { ...workdir, current: workdir.prefixes.includes(DEFAULT_PREFIX) ? DEFAULT_PREFIX : workdir.prefixes.at(-1) }
}

/** Points `current` to `name`, in one step. Throws `LAGO_NO_PREFIX`, listing the prefixes, for an unknown name. */
export async function setCurrent(workdir: Workdir, name: string): Promise<Workdir> {
  prefixDir(workdir, name)
  const link = path.join(workdir.dir, CURRENT)
  const temporary = temporaryPathFor(link)
  await symlink(name, temporary)
  await rename(temporary, link)
  return { ...workdir, current: name }
}

/** Directory of the prefix `name`; `current` stands for the one that the link names. Throws `LAGO_NO_PREFIX`. */
export function prefixDir(workdir: Workdir, name: string): string {
  const wanted = name === CURRENT ? workdir.current : name
  if (wanted !== undefined && workdir.prefixes.includes(wanted)) return path.join(workdir.dir, wanted)
  throw new LagoError('LAGO_NO_PREFIX', `Unable to find prefix "${name}" in workdir ${workdir.dir}`, {
    hint:
      workdir.prefixes.length > 0 ? `its prefixes: ${workdir.prefixes.join(', ')}` : 'it has no prefixes: lago init',
    data: { workdir: workdir.dir, name, prefixes: workdir.prefixes },
  })
}

/** After a prefix has gone: the last one takes its workdir along; otherwise `current` is pointed at one that is left. */
export async function tidyWorkdir(dir: string): Promise<void> {
  if (!(await isWorkdir(dir))) return
  const workdir = await readWorkdir(dir)
  const { current } = withExistingCurrent(workdir)
  if (current === undefined) await removeIfEmpty(dir)
  else if (current !== workdir.current) await setCurrent(workdir, current)
}

/** Removes a workdir without prefixes: the `current` link and the directory, nothing that is not ours. */
export async function removeIfEmpty(dir: string): Promise<void> {
  if ((await prefixNames(dir)).length > 0) return
  await rm(path.join(dir, CURRENT), { force: true })
  await rmdir(dir).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOTEMPTY', 'ENOENT')) throw error
  })
}

/**
 * Makes `dir` a place for prefixes: creates it, or accepts an existing workdir or an empty directory. One without a
 * `current` link gets it, to `name`, at once: from then on it can be told from other directories.
 * What is made here is removed again by `undo`, unless another prefix was put there meanwhile.
 * Throws `LAGO_NO_WORKDIR` for a directory with other things in it.
 */
export async function ensureWorkdir(dir: string, name: string, undo: UndoStack): Promise<void> {
  if (await isMarkOfOld(dir)) throw noWorkdir(`${dir} is a file, the mark of a prefix of era 0.x`)
  await ensureDirs(dir, undo)
  if (await isWorkdir(dir)) return
  if (!(await isMissingOrEmpty(dir)))
    throw noWorkdir(`${dir} has other things in it and no link named ${CURRENT}: it is not a workdir`)
  await linkCurrentIfUnset(dir, name)
  undo.defer('remove the link to the current prefix', async () => {
    if ((await prefixNames(dir)).length === 0) await rm(path.join(dir, CURRENT), { force: true })
  })
}

/** Creates `dir`; what is made here is removed again by `undo`, as far as it is empty. */
export async function ensureDirs(dir: string, undo: UndoStack): Promise<void> {
  const firstCreated = await makePassableDirs(dir)
  if (firstCreated !== undefined) undo.defer(`remove ${firstCreated}`, async () => removeEmptyDirs(dir, firstCreated))
}

/** Sets `current` when there is none: another process may have taken the link away with the last prefix. */
export async function linkCurrentIfUnset(dir: string, name: string): Promise<void> {
  await symlink(name, path.join(dir, CURRENT)).catch((error: unknown) => {
    if (!isSystemError(error, 'EEXIST')) throw error
  })
}

/** Where the prefix `name` goes. Throws `LAGO_USAGE` for a name that would not be one directory of its own. */
export function newPrefixDir(dir: string, name: string): string {
  if (/^[A-Za-z0-9._-]+$/.test(name) && !['.', '..', CURRENT].includes(name)) return path.join(dir, name)
  throw new LagoError('LAGO_USAGE', `"${name}" cannot be the name of a prefix`, {
    hint: 'use letters, digits, ".", "_" and "-"',
    data: { name },
  })
}

/** Removes `dir` and the directories above it up to `top`, as long as they are empty. */
async function removeEmptyDirs(dir: string, top: string): Promise<void> {
  for (let current = dir; current.startsWith(top); current = path.dirname(current))
    await rmdir(current).catch((error: unknown) => {
      if (!isSystemError(error, 'ENOTEMPTY', 'ENOENT')) throw error
    })
}

/** Directories, and links that lead to one: a prefix may lie elsewhere. */
async function prefixNames(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
  const names: string[] = []
  for (const entry of entries)
    if (entry.name !== CURRENT && (await leadsToDir(path.join(dir, entry.name), entry))) names.push(entry.name)
  return names.sort()
}

async function leadsToDir(entryPath: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  return stat(entryPath).then(
    (target) => target.isDirectory(),
    () => false,
  )
}

async function isMarkOfOld(entryPath: string): Promise<boolean> {
  return path.basename(entryPath) === OLD_MARKER && (await isOldPrefix(path.dirname(entryPath)))
}

async function isMissingOrEmpty(dir: string): Promise<boolean> {
  const entries = await readdir(dir).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  })
  return entries.length === 0
}

function noWorkdir(message: string): LagoError {
  return new LagoError('LAGO_NO_WORKDIR', message, { hint: 'give another directory, or an empty one' })
}
