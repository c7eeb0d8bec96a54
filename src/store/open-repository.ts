/** Finds the template repository that is configured: a file, a file at a URL, or one of many by its name (spec 4.9). */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { entriesBelow } from '../base/entries-below.js'
import { isSystemError, LagoError, messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { plainUrl } from './download/plain-url.js'
import { downloadRepository } from './repository-cache.js'
import { readRepositoryFile, repositoryError, type RepositoryFile } from './repository-file.js'
import { didYouMean, repositoryOf } from './repository.js'
import { isUrl, type SourceContext } from './source.js'
import type { TemplateRepository } from './types.js'

export interface RepositoryOptions extends SourceContext {
  /** Absolute path of the repository file, or a URL. Goes before `name`. */
  readonly path?: string | undefined
  /** `name` of a repository among the `*.json` files in and below `reposDir`. */
  readonly name?: string | undefined
  readonly reposDir: string
  /** Where the files of URLs are kept for when they cannot be reached; absolute. */
  readonly cacheDir: string
}

/**
 * Undefined when none is configured.
 * Throws `LAGO_TEMPLATE_REPO` when none is named so, or two are, and when the file cannot be read or lacks a key;
 * `LAGO_DOWNLOAD` and `LAGO_OFFLINE` for a URL of which there is no copy.
 */
export async function openRepository(task: Task, options: RepositoryOptions): Promise<TemplateRepository | undefined> {
  const file = await locate(task, options)
  return file && repositoryOf(file, options)
}

async function locate(task: Task, options: RepositoryOptions): Promise<RepositoryFile | undefined> {
  const { path: filePath, name, reposDir } = options
  if (filePath === undefined) return name === undefined ? undefined : findByName(task, name, reposDir)
  if (!isUrl(filePath)) return readRepositoryFile(filePath)
  if (/^file:/i.test(filePath)) return readRepositoryFile(fileURLToPath(filePath))
  if (/^https?:/i.test(filePath)) return downloadRepository(task, filePath, options)
  throw repositoryError(plainUrl(filePath), 'it is not at a URL of http, https or file')
}

/** Files that are no repositories are passed over. */
async function findByName(task: Task, name: string, reposDir: string): Promise<RepositoryFile> {
  const seen: RepositoryFile[] = []
  for (const filePath of await jsonFilesBelow(reposDir)) {
    const file = await readRepositoryFile(filePath).catch((error: unknown) => {
      task.log('debug', `not a template repository: ${messageOf(error)}`)
    })
    if (file !== undefined) seen.push(file)
  }
  const [found, another] = seen.filter((file) => file.name === name)
  if (another !== undefined) throw namedTwice(name, seen)
  if (found !== undefined) return found
  const known = [...new Set(seen.map((file) => file.name))]
  const others = known.length === 0 ? 'there is none' : `there are: ${known.join(', ')}`
  throw new LagoError('LAGO_TEMPLATE_REPO', `no template repository named "${name}" in ${reposDir}; ${others}`, {
    hint: didYouMean(name, known) ?? 'name the directory with --template-repos, or the file with --template-repo-path',
    data: { name, reposDir, known },
  })
}

function namedTwice(name: string, seen: readonly RepositoryFile[]): LagoError {
  const places = seen.filter((file) => file.name === name).map(({ place }) => place)
  return new LagoError('LAGO_TEMPLATE_REPO', `template repository "${name}" is there twice: ${places.join(', ')}`, {
    hint: 'say which: --template-repo-path FILE',
    data: { name, places },
  })
}

async function jsonFilesBelow(dir: string): Promise<readonly string[]> {
  try {
    const entries = await entriesBelow(dir)
    return entries
      .filter(({ name }) => name.endsWith('.json'))
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .sort()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw repositoryError(dir, messageOf(error), error)
  }
}
