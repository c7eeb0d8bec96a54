/** The checkout of the project: where it is, what must not lie in it, and which commits it has. */
import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'
import { shellWord } from '../shell-word.js'
import { git } from '../versioning/git.js'

/** Of the work tree in which `projectDir` (absolute) is. Throws `LAGO_NOT_A_REPOSITORY`, and `LAGO_RELEASE_PROJECT` for a bare one. */
export async function topOfCheckout(task: Task, projectDir: string): Promise<string> {
  if ((await git(task, projectDir, ['rev-parse', '--is-inside-work-tree'])).trim() === 'true')
    return (await git(task, projectDir, ['rev-parse', '--show-toplevel'])).replace(/\n$/, '')
  throw new LagoError(
    'LAGO_RELEASE_PROJECT',
    `${projectDir} has no files checked out: it is a bare repository, or the directory of git itself`,
    { hint: `name a checkout by --project: git clone ${shellWord(projectDir)} makes one` },
  )
}

export interface Place {
  /** `the tree`. */
  readonly what: string
  /** Absolute; need not be there. */
  readonly dir: string
}

/**
 * Throws `LAGO_RELEASE_PROJECT` for a place in the checkout that git does not ignore: it would be what is not committed, and
 * whoever puts that aside would put aside the releases.
 */
export async function requireOutside(task: Task, projectDir: string, places: readonly Place[]): Promise<void> {
  const top = await topOfCheckout(task, projectDir)
  for (const { what, dir: given } of places) {
    const dir = await realPathOf(given)
    if (!isWithin(top, dir) || (await isIgnored(task, top, dir))) continue
    throw new LagoError(
      'LAGO_RELEASE_PROJECT',
      `${what} ${dir} lies in the checkout ${top}, where git does not ignore it`,
      {
        hint: 'name a directory outside of it, move there what is in this one, or have git ignore it',
        data: { dir, top },
      },
    )
  }
}

/** As far as it is there. */
async function realPathOf(dir: string): Promise<string> {
  try {
    return await realpath(dir)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT') || path.dirname(dir) === dir) throw error
    return path.join(await realPathOf(path.dirname(dir)), path.basename(dir))
  }
}

function isWithin(top: string, dir: string): boolean {
  return dir === top || dir.startsWith(`${top}/`)
}

/** A file in it is asked about, as a pattern may be one of directories, or of what is in this one. */
async function isIgnored(task: Task, top: string, dir: string): Promise<boolean> {
  const file = path.join(dir, '_')
  return (await git(task, top, ['check-ignore', '--', file], { okCodes: [0, 1, 128] })) !== '' // 128: in a submodule
}

/** Throws `LAGO_RELEASE_PROJECT` for the checkout of another project, and as `topOfCheckout` does. */
export async function requireCommit(
  task: Task,
  projectDir: string,
  { commit, version }: { readonly commit: string; readonly version: string },
): Promise<void> {
  await topOfCheckout(task, projectDir)
  const args = ['rev-parse', '--quiet', '--verify', `${commit}^{commit}`]
  if ((await git(task, projectDir, args, { okCodes: [0, 1, 128] })) !== '') return
  throw new LagoError(
    'LAGO_RELEASE_PROJECT',
    `${projectDir} does not have the commit ${commit}, of which ${version} is`,
    {
      hint: `name the checkout of that project by --project; if this is an old one: git -C ${shellWord(projectDir)} fetch`,
      data: { commit },
    },
  )
}
