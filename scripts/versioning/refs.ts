/** Which refs lead to which commit. */
import type { Task } from '../../src/base/task.js'
import { git } from './git.js'
import type { Repository } from './repository.js'

/** A tag that gives a version (spec 8.2). */
export const VERSION_TAG: RegExp = /^[0-9]+\.[0-9]+$/

const TAGS = 'refs/tags/'

/**
 * Full names of refs (`refs/tags/1.0`) by the hash of the commit that they lead to, through any number of tag objects.
 * A tag for a version that leads to no commit is told as a warning.
 */
export async function readRefs(task: Task, { dir }: Repository): Promise<ReadonlyMap<string, readonly string[]>> {
  const listed = await git(task, dir, ['for-each-ref', '--format=%(objectname) %(refname)'], {
    onStderr: (said) => task.log('warning', `git: ${said.trim()}`), // of refs that it passes over
  })
  const refs = linesOf(listed).map(splitAtSpace)
  const questions = refs.map(([object]) => `${object}^{commit}\n`).join('')
  const commits = linesOf(await git(task, dir, ['cat-file', '--batch-check=%(objectname)'], { input: questions }))
  const found = new Map<string, string[]>()
  for (const [index, [, name]] of refs.entries()) {
    const commit = commits[index] ?? ''
    const names = found.get(commit)
    if (!/^[0-9a-f]+$/.test(commit)) warnOf(task, name)
    else if (names === undefined) found.set(commit, [name])
    else names.push(name) // there may be thousands of one commit
  }
  return found
}

/** `1.0` of `refs/tags/1.0`; undefined: it is no tag. */
export function tagOf(ref: string): string | undefined {
  return ref.startsWith(TAGS) ? ref.slice(TAGS.length) : undefined
}

function warnOf(task: Task, ref: string): void {
  const tag = tagOf(ref)
  const level = tag !== undefined && VERSION_TAG.test(tag) ? 'warning' : 'debug'
  task.log(level, `${ref} leads to no commit: it does not count`)
}

function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1)
}

function splitAtSpace(line: string): readonly [string, string] {
  const at = line.indexOf(' ')
  return [line.slice(0, at), line.slice(at + 1)]
}
