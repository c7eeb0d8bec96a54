/**
 * Template repositories: which templates there are, in which versions, and where their images come from (spec 4.1).
 * Knows nothing of the local store.
 */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError, messageOf } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import type { Task } from '../base/task.js'
import {
  numberAt,
  objectAt,
  readRepositoryFile,
  repositoryError,
  stringAt,
  type JsonObject,
  type RepositoryFile,
} from './repository-file.js'
import { createSource } from './source.js'
import type { TemplateRepository } from './types.js'

export interface RepositoryOptions {
  /** Absolute path of the repository file, or a URL. Goes before `name`. */
  readonly path?: string | undefined
  /** `name` of a repository among the `*.json` files in and below `reposDir`. */
  readonly name?: string | undefined
  readonly reposDir: string
  /** For `$VARS` and `~` in the roots of `file` sources. */
  readonly vars: Readonly<Record<string, string | undefined>>
}

/**
 * Reads a repository; its entries are checked when `find` needs them, so a broken one spoils only itself.
 *
 * Throws `LAGO_TEMPLATE_REPO` when none is configured or named so, when the file cannot be read or lacks a key, and
 * `LAGO_DOWNLOAD` for a URL. `find` throws `LAGO_TEMPLATE_UNKNOWN`, and `LAGO_TEMPLATE_REPO` for a broken entry.
 */
export async function openRepository(task: Task, options: RepositoryOptions): Promise<TemplateRepository> {
  const file = await locate(task, options)
  return {
    name: file.name,
    find(template, wantedVersion) {
      const versions = versionsOf(file, template)
      const version = wantedVersion ?? latestOf(file, template, versions)
      const key = `templates.${template}.versions.${version}`
      if (!Object.hasOwn(versions, version)) throw unknownVersion(file, template, version, Object.keys(versions))
      const entry = objectAt(file.path, key, versions[version])
      const source = createSource(file, stringAt(file.path, `${key}.source`, entry['source']), options.vars)
      const handle = stringAt(file.path, `${key}.handle`, entry['handle'])
      return { ref: { repo: file.name, name: template, version }, source, handle }
    },
  }
}

async function locate(task: Task, { path: filePath, name, reposDir }: RepositoryOptions): Promise<RepositoryFile> {
  if (filePath !== undefined) {
    if (isUrl(filePath)) throw urlNotSupported(filePath)
    return readRepositoryFile(filePath)
  }
  if (name !== undefined) return findByName(task, name, reposDir)
  throw new LagoError('LAGO_TEMPLATE_REPO', 'no template repository is given', {
    hint: 'name its file with --template-repo-path, or set template_repo_path in lago.conf',
  })
}

function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
}

function urlNotSupported(url: string): LagoError {
  const shown = url.replace(/\/\/[^/@]*@/, '//') // without a user's name and password
  return new LagoError(
    'LAGO_DOWNLOAD',
    `template repository ${shown}: repositories at a URL come with a later version`,
    {
      hint: 'fetch the file and give its path with --template-repo-path',
      data: { url: shown },
    },
  )
}

/** The first in the order of their paths; files that are no repositories are passed over. */
async function findByName(task: Task, name: string, reposDir: string): Promise<RepositoryFile> {
  const seen: string[] = []
  for (const filePath of await jsonFilesBelow(reposDir)) {
    const file = await readRepositoryFile(filePath).catch((error: unknown) => {
      task.log('debug', `not a template repository: ${messageOf(error)}`)
    })
    if (file?.name === name) return file
    if (file !== undefined) seen.push(file.name)
  }
  const found = seen.length === 0 ? 'there is none' : `there are: ${seen.join(', ')}`
  throw new LagoError('LAGO_TEMPLATE_REPO', `no template repository named "${name}" in ${reposDir}; ${found}`, {
    hint: didYouMean(name, seen) ?? 'name the directory with --template-repos, or the file with --template-repo-path',
    data: { name, reposDir, known: seen },
  })
}

async function jsonFilesBelow(dir: string): Promise<readonly string[]> {
  try {
    const names = await readdir(dir, { recursive: true })
    return names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => path.join(dir, name))
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw repositoryError(dir, messageOf(error), error)
  }
}

function versionsOf(file: RepositoryFile, template: string): JsonObject {
  if (!Object.hasOwn(file.templates, template)) throw unknownTemplate(file, template)
  const key = `templates.${template}`
  return objectAt(file.path, `${key}.versions`, objectAt(file.path, key, file.templates[template])['versions'])
}

function latestOf(file: RepositoryFile, template: string, versions: JsonObject): string {
  const key = `templates.${template}.versions`
  const dated = Object.entries(versions).map(([version, value]) => {
    const { timestamp } = objectAt(file.path, `${key}.${version}`, value)
    return { version, timestamp: numberAt(file.path, `${key}.${version}.timestamp`, timestamp) }
  })
  const [first, ...others] = dated
  if (first === undefined) throw repositoryError(file.path, `"${key}" has no version`)
  return others.reduce((best, next) => (next.timestamp > best.timestamp ? next : best), first).version
}

function unknownTemplate(file: RepositoryFile, template: string): LagoError {
  const known = Object.keys(file.templates)
  const where = `repository "${file.name}" (${file.path})`
  return new LagoError(
    'LAGO_TEMPLATE_UNKNOWN',
    `template "${template}" is not in ${where}; it has: ${known.join(', ') || 'none'}`,
    { hint: didYouMean(template, known), data: { template, repository: file.path, known } },
  )
}

function unknownVersion(file: RepositoryFile, template: string, version: string, known: readonly string[]): LagoError {
  return new LagoError(
    'LAGO_TEMPLATE_UNKNOWN',
    `template "${template}" has no version "${version}" in ${file.path}; it has: ${known.join(', ') || 'none'}`,
    { hint: didYouMean(version, known), data: { template, version, repository: file.path, known } },
  )
}

function didYouMean(name: string, known: readonly string[]): string | undefined {
  const near = nearest(name, known)
  return near === undefined ? undefined : `did you mean "${near}"?`
}
