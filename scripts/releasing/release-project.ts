/** What a release brings about in the project's own checkout: CHANGELOG.md, and what is left to the maintainer. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { isLagoError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'
import type { Task } from '../../src/base/task.js'
import { scriptCommand } from '../script-path.js'
import { shellWord } from '../shell-word.js'
import { git } from '../versioning/git.js'
import { readHistory } from '../versioning/history.js'
import { missingTags } from '../versioning/tag.js'
import { moveNotes } from './changelog-file.js'
import type { Promotion } from './promote.js'

export const CHANGELOG_FILE = 'CHANGELOG.md'

/**
 * Moves the release's notes in CHANGELOG.md of `projectDir` (absolute); may be called again. What is not there any more as the
 * release had it is told as a warning. Gives whether the file was changed.
 */
export async function moveReleasedNotes(
  task: Task,
  projectDir: string,
  { release, info }: Promotion,
): Promise<boolean> {
  const filePath = path.join(projectDir, CHANGELOG_FILE)
  const before = await readFile(filePath, 'utf8')
  const date = release.promotedAt.slice(0, 10)
  const { changelog, moved, missing } = moveNotes(before, { version: release.version, date, notes: info.notes })
  if (missing.length > 0) {
    const shown = missing.slice(0, MOST_SHOWN).map((entry) => `"${entry}"`)
    const more = missing.length > MOST_SHOWN ? `, and ${missing.length - MOST_SHOWN} more` : ''
    const what = `${filePath} does not have under Unreleased any more what ${release.version} had there`
    const section = changelog === before ? `; there is no new section for ${release.version}` : ''
    task.log('warning', `${what}: ${shown.join(', ')}${more}: see to it by hand${section}`)
  }
  if (changelog === before) return false
  await writeFileAtomic(filePath, changelog)
  task.log('info', `${filePath}: a section for ${release.version}, entries moved there: ${moved}`)
  return true
}

const MOST_SHOWN = 5

/** Commands, for a person, as they can be called from the current directory. */
export async function nextSteps(
  task: Task,
  { treeDir, projectDir }: { readonly treeDir: string; readonly projectDir: string | undefined },
  { release: { version } }: Promotion,
): Promise<readonly string[]> {
  const announce = `${scriptCommand('release')} announce ${shellWord(treeDir)} ${version}`
  if (projectDir === undefined) return [announce]
  const inProject = `git -C ${shellWord(projectDir)}`
  const isChanged = (await git(task, projectDir, ['status', '--porcelain', '--', CHANGELOG_FILE])) !== ''
  const tags = await tagsToMake(task, projectDir)
  const branch = isChanged ? await currentBranch(task, projectDir) : ''
  const toPush = [branch, ...tags].filter(Boolean)
  const remote = toPush.length === 0 ? undefined : await remoteOf(task, projectDir, branch)
  return [
    ...(isChanged ? [`${inProject} commit -m 'release: ${version}' ${CHANGELOG_FILE}`] : []),
    ...(tags.length === 0 ? [] : [`${scriptCommand('version_manager')} ${shellWord(projectDir)} tag`]),
    ...(remote === undefined ? [] : [`${inProject} push ${[remote, ...toPush].map(shellWord).join(' ')}`]),
    announce,
  ]
}

/** Names; none where they cannot be made, which is told: the release is there already. */
async function tagsToMake(task: Task, projectDir: string): Promise<readonly string[]> {
  try {
    return (await missingTags(task, projectDir, await readHistory(task, projectDir))).map(({ name }) => name)
  } catch (error) {
    if (!isLagoError(error) || error.code === 'LAGO_CANCELLED') throw error
    task.log('warning', `which tags are missing is not known: ${error.message}`)
    return []
  }
}

/** Empty where HEAD is detached. */
async function currentBranch(task: Task, projectDir: string): Promise<string> {
  return (await git(task, projectDir, ['symbolic-ref', '--quiet', '--short', 'HEAD'], { okCodes: [0, 1] })).trim()
}

/** That of the branch, else `origin`, else the first; undefined: there is none. */
async function remoteOf(task: Task, projectDir: string, branch: string): Promise<string | undefined> {
  const remotes = (await git(task, projectDir, ['remote'])).split('\n').filter(Boolean)
  const key = `branch.${branch}.remote`
  const own = (await git(task, projectDir, ['config', '--get', key], { okCodes: [0, 1] })).trim()
  return [own, 'origin'].find((name) => remotes.includes(name)) ?? remotes[0]
}
