/** Whether a directory has a history that can be counted. */
import path from 'node:path'
import { LagoError } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'
import { shellWord } from '../shell-word.js'
import { fsckHint, git } from './git.js'

export interface Repository {
  /** Absolute; it, or a directory in its work tree. */
  readonly dir: string
  /** Hash of the commit that HEAD leads to. */
  readonly head: string
}

/**
 * Bare repositories, work trees of others and a detached HEAD are as good as any. Throws `LAGO_NOT_A_REPOSITORY`,
 * `LAGO_UNSAFE_REPOSITORY`, `LAGO_EMPTY_REPOSITORY`, `LAGO_SHALLOW_CLONE` where a part of the history is missing, and
 * `LAGO_COMMAND_FAILED` where HEAD is damaged.
 */
export async function openRepository(task: Task, repoDir: string): Promise<Repository> {
  const dir = path.resolve(repoDir)
  const isShallow = (await git(task, dir, ['rev-parse', '--is-shallow-repository'])).trim() === 'true'
  if (isShallow)
    throw new LagoError('LAGO_SHALLOW_CLONE', `${dir} is a shallow clone: commits to count are missing`, {
      hint: `git -C ${shellWord(dir)} fetch --unshallow --tags`,
    })
  const head = await hashOf(task, dir, 'HEAD', [0, 1])
  if (head === '')
    throw new LagoError('LAGO_EMPTY_REPOSITORY', `HEAD of ${dir} leads to no commit`, {
      hint: 'commit something, or check out a branch that has commits',
    })
  if ((await hashOf(task, dir, 'HEAD^{commit}', [0, 1, 128])) === '')
    throw new LagoError('LAGO_COMMAND_FAILED', `git cannot read ${head}, to which HEAD of ${dir} leads`, {
      hint: fsckHint(dir),
    })
  return { dir, head }
}

/**
 * For who reads more than commits. Throws `LAGO_PARTIAL_CLONE` where files of `commit`, or of those before it, have not been
 * fetched: git would fetch them one by one, and only in the clone itself.
 */
export async function requireFiles(task: Task, dir: string, commit: string): Promise<void> {
  const promisors = await git(task, dir, ['config', '--get-regexp', '^remote\\..*\\.promisor$'], { okCodes: [0, 1] })
  if (promisors === '') return
  const listed = await git(task, dir, ['rev-list', '--objects', '--missing=print', commit])
  if (!/^\?/m.test(listed)) return
  throw new LagoError('LAGO_PARTIAL_CLONE', `${dir} is a partial clone: files of its commits are missing`, {
    hint: `git -C ${shellWord(dir)} fetch --refetch --no-filter (git 2.36; else clone it without --filter)`,
  })
}

/** Empty where there is none. */
async function hashOf(task: Task, dir: string, revision: string, okCodes: readonly number[]): Promise<string> {
  return (await git(task, dir, ['rev-parse', '--quiet', '--verify', revision], { okCodes })).trim()
}
