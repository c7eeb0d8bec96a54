/**
 * From a git history to versions (spec 8.2): every commit has one. This room knows git and versions, and nothing of
 * packages or releases.
 */
import type { Task } from '../../src/base/task.js'
import { readLog } from './git-log.js'
import { countVersions, type VersionKind } from './count-versions.js'
import { mergedCommits } from './merged-commits.js'
import { readRefs, tagOf } from './refs.js'
import { openRepository, type Repository } from './repository.js'

export interface Commit {
  /** 40 hex digits, or 64. */
  readonly hash: string
  readonly parents: readonly string[]
  /** `1.0` of `refs/tags/1.0`, whether annotated or not. */
  readonly tags: readonly string[]
  /** Full names: `refs/tags/1.0`, `refs/heads/main`, `HEAD`. */
  readonly refs: readonly string[]
  readonly author: Person
  /** Since the epoch; whole seconds; a time that JavaScript has no date for is the last one that it has. */
  readonly committedAtMs: number
  /** As it was written, line ends and all. */
  readonly message: string
}

export interface Person {
  readonly name: string
  readonly email: string
}

export interface HistoryEntry {
  readonly commit: Commit
  /** `X.Y.Z`. */
  readonly version: string
  /** What made the version what it is; a tag beats what the message says. */
  readonly kind: VersionKind
  /** What the merge `commit` brought in, newest first; empty where that was not asked for. */
  readonly merged: readonly Commit[]
}

export interface History {
  /** Oldest first; never empty. */
  readonly entries: readonly HistoryEntry[]
}

export interface HistoryOptions {
  /**
   * Count every commit that HEAD reaches, by commit time, as Lago 0.5 did, but none before its parents; default: the chain
   * of first parents.
   */
  readonly allCommits?: boolean
  /** Read what merges brought in, too; default: not. */
  readonly withMerged?: boolean
}

/**
 * Reads the history of HEAD by one `git log`. `repoDir`: the repository, bare or not, or a directory in its work tree.
 *
 * Throws `LAGO_NOT_A_REPOSITORY`, `LAGO_UNSAFE_REPOSITORY`, `LAGO_EMPTY_REPOSITORY`, `LAGO_SHALLOW_CLONE`,
 * `LAGO_COMMAND_MISSING` where git is not installed, `LAGO_COMMAND_FAILED` where git cannot read on.
 */
export async function readHistory(task: Task, repoDir: string, options: HistoryOptions = {}): Promise<History> {
  const { allCommits = false, withMerged = false } = options
  const repository = await openRepository(task, repoDir)
  const isChain = !allCommits && !withMerged
  const commits = await readCommits(task, repository, isChain)
  const chain = allCommits || isChain ? commits.toReversed() : firstParents(commits).reverse()
  const merged = withMerged && !allCommits ? mergedCommits(chain, commits) : undefined
  const versions = countVersions(chain)
  const entries = chain.map((commit, index) => {
    const { version, kind } = versions[index] ?? unreachable()
    return { commit, version, kind, merged: merged?.get(commit.hash) ?? [] }
  })
  return { entries }
}

/** Newest first; HEAD is the first. */
async function readCommits(task: Task, repository: Repository, firstParent: boolean): Promise<Commit[]> {
  const refs = readRefs(task, repository)
  refs.catch(() => undefined) // told below, unless the log fails first
  const fields = ['%H', '%P', '%an', '%ae', '%ct', '%B']
  const read: (readonly string[])[] = []
  await readLog(task, repository, { fields, firstParent }, (commit) => read.push(commit))
  const refsOf = await refs
  return read.map((fields, index) => {
    const names = refsOf.get(fields[0] ?? '') ?? []
    return toCommit(fields, index === 0 ? ['HEAD', ...names] : names)
  })
}

/** Of a `Date`, ECMA-262 21.4.1.1; git takes any time. */
const LATEST_MS = 8.64e15

function toCommit(fields: readonly string[], refs: readonly string[]): Commit {
  const [hash = '', parents = '', name = '', email = '', seconds = '', message = ''] = fields
  return {
    hash,
    parents: parents.split(' ').filter(Boolean),
    tags: refs.flatMap((ref) => tagOf(ref) ?? []),
    refs,
    author: { name, email },
    committedAtMs: Math.min(Number(seconds) * 1000, LATEST_MS),
    message,
  }
}

/** From HEAD, newest first. */
function firstParents(commits: readonly Commit[]): Commit[] {
  const byHash = new Map(commits.map((commit) => [commit.hash, commit]))
  const chain: Commit[] = []
  for (let next = commits[0]; next !== undefined; next = byHash.get(next.parents[0] ?? '')) chain.push(next)
  return chain
}

function unreachable(): never {
  throw new Error('unreachable: a commit without a version')
}
