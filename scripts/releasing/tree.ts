/**
 * A tree of releases as a whole: that a directory is one, who works in it, and what killed runs have left there. Verbs that
 * change a tree hold its lock, which is that of its directory and leaves no file.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { isLagoError, isSystemError, LagoError } from '../../src/base/errors.js'
import { removeTemporaries, writeFileAtomic } from '../../src/base/files.js'
import { withLock } from '../../src/base/lock.js'
import type { Task } from '../../src/base/task.js'
import { isTemporaryDirFuller, temporaryDirFull } from '../full-disk.js'
import { scriptCommand } from '../script-path.js'
import { makeTreeDirs } from './tree-dirs.js'

/** What a tree tells of itself: `TREE/tree.json`, by which it is known as one. */
export interface TreeInfo {
  readonly format: 1
  /** Where users find it, without a slash at the end: `https://lago.example.org/lago`. */
  readonly url?: string | undefined
}

export const TREE_INFO = 'tree.json'
/** The public keys by which users check what is in the tree, armoured. */
export const TREE_KEYS = 'lago.asc'

const treeInfo = z.object({ format: z.literal(1), url: z.string().optional() })

/**
 * What the tree in `treeDir` (absolute) says of itself. Throws `LAGO_RELEASE_TREE` when that is none, and `LAGO_FILE`-like
 * system errors when it cannot be read.
 */
export async function readTree(treeDir: string): Promise<TreeInfo> {
  const text = await readFile(path.join(treeDir, TREE_INFO), 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) throw notATree(treeDir, `it has no ${TREE_INFO}`)
    throw error
  })
  try {
    return treeInfo.parse(JSON.parse(text))
  } catch (error) {
    throw notATree(treeDir, `its ${TREE_INFO} cannot be read`, error)
  }
}

/**
 * Makes a tree of a directory that is empty or not there; one that is a tree already stays as it is. `url` is kept in it
 * when it is given. Throws `LAGO_RELEASE_TREE` for a directory of other things, `LAGO_USAGE` for what is no URL.
 */
export async function ensureTree(task: Task, treeDir: string, url: string | undefined): Promise<TreeInfo> {
  const wanted = url === undefined ? undefined : publicUrl(url)
  if ((await makeTreeDirs(treeDir)) !== undefined) task.log('info', `${treeDir} is a new tree of releases`)
  return locked(task, { treeDir, waitMs: WAIT_MS }, async () => {
    await removeTemporaries(treeDir)
    const names = await readdir(treeDir)
    const before = names.length === 0 ? undefined : await readTree(treeDir)
    if (before !== undefined && (wanted === undefined || before.url === wanted)) return before
    const info: TreeInfo = { format: 1, ...(wanted === undefined ? {} : { url: wanted }) }
    await writeFileAtomic(path.join(treeDir, TREE_INFO), `${JSON.stringify(info, undefined, 2)}\n`)
    return info
  })
}

function publicUrl(given: string): string {
  if (URL.canParse(given) && ADDRESS.test(given)) return given.replace(/\/+$/, '')
  const found = /\/\/[^/]*@/.test(given) ? 'one with a user, for everybody to read' : JSON.stringify(given)
  throw new LagoError('LAGO_USAGE', `--url takes the address at which users find the tree, not ${found}`, {
    hint: 'as in --url https://lago.example.org/lago; write %2C for a comma, and its like for other characters',
  })
}

/** What dnf and apt take as it is: in their files commas, blanks, quotes and `$` have a meaning. */
const ADDRESS = /^(?:https?:\/\/[\w.:[\]-]+|file:\/\/(?=\/.))(?:\/(?:[\w.~!+:@&;=-]|%[0-9A-Fa-f]{2})*)*$/

/**
 * Runs `body` while nobody else changes the tree, and clears before it what killed runs have left. Waits for others, a minute
 * by default. Throws `LAGO_RELEASE_TREE`, and `LAGO_LOCKED` that names who works there.
 */
export async function withTree<T>(
  task: Task,
  treeDir: string,
  body: (tree: TreeInfo) => Promise<T>,
  { waitMs = WAIT_MS }: { readonly waitMs?: number } = {},
): Promise<T> {
  await readTree(treeDir)
  return locked(task, { treeDir, waitMs }, async () => {
    const tree = await readTree(treeDir)
    await sweep(task, treeDir)
    return body(tree)
  })
}

/** The same for those who only look: nothing is cleared, and the tree need not be writable. */
export async function withTreeToRead<T>(task: Task, treeDir: string, body: (tree: TreeInfo) => Promise<T>): Promise<T> {
  await readTree(treeDir)
  return locked(task, { treeDir, waitMs: WAIT_MS }, async () => body(await readTree(treeDir)))
}

/** Pipelines that end at the same time shall not fail for it. */
const WAIT_MS = 60_000

async function locked<T>(
  task: Task,
  { treeDir, waitMs }: { readonly treeDir: string; readonly waitMs: number },
  body: () => Promise<T>,
): Promise<T> {
  const work = async (): Promise<T> =>
    body().catch(async (error: unknown) => {
      throw await explainFull(error, treeDir)
    })
  return withLock(task, { path: treeDir, kind: 'directory', what: `the tree ${treeDir}`, waitMs }, work)
}

/** What `error` is when it comes from the tree's disk, or from that of temporary files; else as it is. */
async function explainFull(error: unknown, treeDir: string): Promise<unknown> {
  if (isOfFullProgram(error, treeDir))
    return (await isTemporaryDirFuller(treeDir)) ? temporaryDirFull(error) : noSpace(treeDir, error)
  return isFull(error, treeDir) ? noSpace(treeDir, error) : error
}

/** Those that read something in the tree write to the directory for temporary files, others beside what they were given. */
function isOfFullProgram(error: unknown, treeDir: string): boolean {
  if (!isLagoError(error, 'LAGO_NO_SPACE')) return false
  return [error.data['argv']].flat().some((word) => String(word).startsWith(`${treeDir}/`))
}

/** Errors of copying have the target as `dest`, and those of writing into an open file no path at all. */
function isFull(error: unknown, treeDir: string): boolean {
  if (isLagoError(error, 'LAGO_NO_SPACE')) return String(error.data['dir']).startsWith(`${treeDir}/`)
  if (!isSystemError(error, 'ENOSPC', 'EDQUOT')) return false
  const filePath = (error as NodeJS.ErrnoException & { readonly dest?: string }).dest ?? error.path // of Node: fs.copyFile
  return filePath === undefined || filePath.startsWith(`${treeDir}/`)
}

function noSpace(treeDir: string, cause: unknown): LagoError {
  return new LagoError('LAGO_NO_SPACE', `the disk of the tree ${treeDir} is full`, {
    hint: `free some space: \`${scriptCommand('release')} prune\` deletes old snapshots; then do the same again`,
    data: { dir: treeDir },
    cause,
  })
}

/** Something that is on its way into a directory of the tree, or out of it; no reader takes it for what it is to be. */
export function unfinishedPath(filePath: string): string {
  return path.join(path.dirname(filePath), `${UNFINISHED}${path.basename(filePath)}`)
}

const UNFINISHED = '.unfinished-'

/** Below `unstable/X.0` and `stable/X.0`; what a refresh of an index has left, the next refresh clears. */
async function sweep(task: Task, treeDir: string): Promise<void> {
  await removeTemporaries(treeDir)
  for (const part of ['stable', 'unstable'])
    for (const major of await majorsIn(treeDir, part as 'stable' | 'unstable')) {
      const dir = path.join(treeDir, part, `${major}.0`)
      await removeTemporaries(dir)
      for (const name of await readdir(dir)) {
        if (!name.startsWith(UNFINISHED)) continue
        task.log('info', `removing ${path.join(dir, name)}, which a run that was ended has left`)
        // again where a program of that run is just ending in it
        await rm(path.join(dir, name), { recursive: true, force: true, maxRetries: 3 })
      }
    }
}

/** Majors that have a directory there, in ascending order; none when there is nothing. */
export async function majorsIn(treeDir: string, part: 'stable' | 'unstable'): Promise<readonly number[]> {
  const names = await readdir(path.join(treeDir, part)).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  })
  return names
    .flatMap((name) => /^(0|[1-9]\d*)\.0$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

function notATree(treeDir: string, found: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_RELEASE_TREE', `${treeDir} is no tree of releases: ${found}`, {
    hint: `name the directory of a tree; \`${scriptCommand('release')} snapshot\` makes one of a directory that is empty or not there`,
    data: { dir: treeDir },
    cause,
  })
}
