/** What a snapshot tells of the project that it is of: from its git history and its CHANGELOG.md. */
import { readFile, realpath } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'
import { wholeChangelog } from '../packaging/rpm-history.js'
import { bugsOf } from '../versioning/bugs.js'
import { git } from '../versioning/git.js'
import { readHistory, type HistoryEntry } from '../versioning/history.js'
import { semVerOf } from '../versioning/sem-ver.js'
import { subjectOf } from '../versioning/subject.js'
import { isVersion } from '../versioning/version-form.js'
import { topOfCheckout } from './checkout.js'
import { majorOf } from './layout.js'
import type { Change, SnapshotInfo } from './types.js'
import { unreleasedNotes } from './unreleased.js'

export interface ProjectState extends Pick<SnapshotInfo, 'version' | 'commit' | 'base' | 'changes' | 'notes'> {
  /** `ChangeLog`, as in the source tarball. */
  readonly changelog: string
}

/**
 * Of what is checked out in `projectDir` (absolute). Throws `LAGO_DIRTY_TREE` when that is not what is committed,
 * `LAGO_NOTHING_TO_RELEASE` when CHANGELOG.md has nothing under *Unreleased*, `LAGO_BAD_VERSION` when there is a version that
 * cannot be released, `LAGO_RELEASE_PROJECT` when nothing is checked out, and what `readHistory` throws.
 */
export async function readProject(task: Task, projectDir: string): Promise<ProjectState> {
  const { entries } = await readHistory(task, projectDir, { withMerged: true })
  const top = await topOfCheckout(task, projectDir)
  await requireClean(task, projectDir)
  const notes = await notesOf(projectDir, top)
  const [first, newest] = [entries[0], entries.at(-1)]
  if (first === undefined || newest === undefined) throw new Error('unreachable: a history without commits')
  const base = entries.findLast(({ kind }) => kind !== 'patch') ?? first
  const major = majorOf(newest.version)
  const sameMajor = entries.slice(entries.findLastIndex(({ version }) => majorOf(version) !== major) + 1)
  requireVersions(projectDir, [newest, ...sameMajor, base])
  return {
    version: newest.version,
    commit: newest.commit.hash,
    base: {
      version: base.version,
      commit: base.commit.hash,
      committedAt: new Date(base.commit.committedAtMs).toISOString(),
    },
    changes: sameMajor.toReversed().map(changeOf),
    notes,
    changelog: wholeChangelog(entries),
  }
}

/** Throws `LAGO_DIRTY_TREE` with the files that differ, or that git does not know. Files that it ignores do not count. */
export async function requireClean(task: Task, projectDir: string): Promise<void> {
  const status = await git(task, projectDir, [
    'status',
    '--porcelain',
    '-z',
    '--no-renames',
    '--untracked-files=normal',
  ])
  const files = status
    .split('\0')
    .filter(Boolean)
    .map((entry) => entry.slice(3)) // gitformat of git-status(1): "XY PATH"
  if (files.length === 0) return
  const shown = files.slice(0, MOST_SHOWN).join(', ')
  const more = files.length > MOST_SHOWN ? `, and ${files.length - MOST_SHOWN} more` : ''
  throw new LagoError('LAGO_DIRTY_TREE', `${projectDir} has what is not committed: ${shown}${more}`, {
    hint: 'commit it, or put it aside by git stash; move elsewhere, or have git ignore, what is new and not of the project',
    data: { files },
  })
}

const MOST_SHOWN = 10

async function notesOf(projectDir: string, top: string): Promise<string> {
  const filePath = path.join(projectDir, 'CHANGELOG.md')
  const changelog = await readFile(filePath, 'utf8').catch(async (error: unknown) => {
    if (!isSystemError(error, 'ENOENT')) throw error
    throw new LagoError('LAGO_NOTHING_TO_RELEASE', `there is no ${filePath}`, {
      hint:
        top === (await realpath(projectDir))
          ? 'write one, with what users will notice in a section "## Unreleased", and commit it'
          : `the top of the checkout is ${top}: name it by --project`,
    })
  })
  return unreleasedNotes(changelog, filePath)
}

/** Throws `LAGO_BAD_VERSION` for what could be written down, and not be read any more. */
function requireVersions(projectDir: string, entries: readonly HistoryEntry[]): void {
  const bad = entries.find(({ version }) => !isVersion(version))
  if (bad === undefined) return
  const { version, commit } = bad
  const what = bad === entries[0] ? `the version of ${projectDir}` : `in ${projectDir}, the version of ${commit.hash}`
  throw new LagoError('LAGO_BAD_VERSION', `${what} is ${version}, which no package can have`, {
    hint: 'numbers have 15 digits at most: a tag X.Y with more of them has to go, or to be named in another way',
    data: { version, commit: commit.hash },
  })
}

function changeOf({ commit, version, merged }: HistoryEntry): Change {
  return {
    commit: commit.hash,
    version,
    subject: subjectOf(commit.message),
    kind: semVerOf(commit.message) ?? 'patch',
    bugs: [...new Set([commit, ...merged].flatMap(({ message }) => bugsOf(message)))],
  }
}
