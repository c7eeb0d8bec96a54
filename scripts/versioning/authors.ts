/** Who wrote it. */
import type { Task } from '../../src/base/task.js'
import { readLog } from './git-log.js'
import { openRepository } from './repository.js'

/**
 * `Name <mail>` of everybody who wrote a commit that HEAD reaches, once each and sorted; who has several names is given
 * the one that `.mailmap` says. Throws as `readHistory` does.
 */
export async function readAuthors(task: Task, repoDir: string): Promise<readonly string[]> {
  const repository = await openRepository(task, repoDir)
  const authors = new Set<string>()
  await readLog(task, repository, { fields: ['%aN', '%aE'], firstParent: false }, ([name = '', email = '']) => {
    if (email !== '%aE') authors.add(`${name} <${email}>`.trim()) // git's answer for a commit of nobody
  })
  return [...authors].sort()
}
