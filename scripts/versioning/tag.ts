/** Tags for the versions that have none: on each change of X or Y a new one is made, as the guide says. */
import { LagoError } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'
import { shellWord } from '../shell-word.js'
import { git } from './git.js'
import type { History, HistoryEntry } from './history.js'

export interface NewTag {
  /** `X.Y`. */
  readonly name: string
  readonly commit: string
}

export interface TagOptions {
  /** Makes tag objects, with the committer's name and date; default: tags that only name a commit. */
  readonly annotate?: boolean
}

/**
 * The tags that are missing, oldest first: `X.Y` on each commit whose `Sem-Ver:` changed X or Y. `repoDir` is absolute.
 * Throws `LAGO_TAG_ELSEWHERE` when a tag of that name is on another commit: tags are never moved.
 */
export async function missingTags(task: Task, repoDir: string, { entries }: History): Promise<readonly NewTag[]> {
  const wanted = entries.filter(({ kind }) => kind === 'breaking' || kind === 'feature').map(newTag)
  const refs = (await git(task, repoDir, ['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', 'refs/tags']))
    .split('\n')
    .map((line) => line.split(' '))
  const objects = new Map(refs.map(([object = '', name = '']) => [name, object]))
  for (const [index, { name, commit }] of wanted.entries()) {
    const object = objects.get(name) ?? wanted.slice(0, index).find((earlier) => earlier.name === name)?.commit
    if (object === undefined) continue
    throw new LagoError('LAGO_TAG_ELSEWHERE', `${name} would be the tag of ${commit}, and is the one of ${object}`, {
      hint: 'tags are not moved: see which commit is the right one, and delete or make the tag by hand',
      data: { name, commit, object },
    })
  }
  return wanted
}

function newTag({ version, commit }: HistoryEntry): NewTag {
  return { name: version.slice(0, version.lastIndexOf('.')), commit: commit.hash }
}

/**
 * All of them or none. Throws `LAGO_NO_GIT_USER` when tag objects would be of nobody, `LAGO_COMMAND_FAILED`, as when somebody
 * made one of them meanwhile.
 */
export async function makeTags(
  task: Task,
  repoDir: string,
  tags: readonly NewTag[],
  { annotate = false }: TagOptions = {},
): Promise<void> {
  const tagger = annotate ? await readTagger(task, repoDir) : undefined
  const lines: string[] = []
  for (const tag of tags) {
    const object = tagger === undefined ? tag.commit : await makeTagObject(task, repoDir, { ...tag, tagger })
    lines.push(`create refs/tags/${tag.name} ${object}\n`)
  }
  await git(task, repoDir, ['update-ref', '--stdin'], { input: lines.join('') })
}

/** With the time. */
async function readTagger(task: Task, repoDir: string): Promise<string> {
  const identity = ['var', 'GIT_COMMITTER_IDENT']
  const tagger = (await git(task, repoDir, identity, { okCodes: [0, 128] })).trim()
  if (tagger !== '') return tagger
  const config = `git -C ${shellWord(repoDir)} config`
  throw new LagoError(
    'LAGO_NO_GIT_USER',
    `annotated tags in ${repoDir} need a name and an address, and git knows none`,
    {
      hint: `${config} user.name 'Jane Doe' && ${config} user.email jane@example.com`,
    },
  )
}

/** One that nothing names yet. */
async function makeTagObject(
  task: Task,
  repoDir: string,
  { name, commit, tagger }: NewTag & { readonly tagger: string },
): Promise<string> {
  const input = `object ${commit}\ntype commit\ntag ${name}\ntagger ${tagger}\n\n${name}\n`
  return (await git(task, repoDir, ['mktag'], { input })).trim()
}
