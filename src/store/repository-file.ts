/** The template repository file (spec 4.1), read as far as it is needed: a broken entry spoils only itself. */
import { readFile } from 'node:fs/promises'
import { isSystemError, LagoError, messageOf } from '../base/errors.js'

export interface RepositoryFile {
  readonly path: string
  readonly name: string
  /** Raw entries, each checked when it is asked for. */
  readonly templates: JsonObject
  readonly sources: JsonObject
}

export type JsonObject = Readonly<Record<string, unknown>>

/** Throws `LAGO_TEMPLATE_REPO` naming file and key when it cannot be read, is not JSON, or lacks one of its keys. */
export async function readRepositoryFile(filePath: string): Promise<RepositoryFile> {
  const root = objectAt(filePath, '', parse(filePath, await read(filePath)))
  return {
    path: filePath,
    name: stringAt(filePath, 'name', root['name']),
    templates: objectAt(filePath, 'templates', root['templates']),
    sources: objectAt(filePath, 'sources', root['sources']),
  }
}

/** `key` is the path of the value in the file, `templates.el7.versions`; empty for the whole. */
export function objectAt(filePath: string, key: string, value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrongShape(filePath, key, 'an object', value)
  return value as JsonObject // checked above
}

export function stringAt(filePath: string, key: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw wrongShape(filePath, key, 'a text', value)
  return value
}

export function numberAt(filePath: string, key: string, value: unknown): number {
  if (typeof value !== 'number') throw wrongShape(filePath, key, 'a number', value)
  return value
}

export function repositoryError(filePath: string, message: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_TEMPLATE_REPO', `template repository ${filePath}: ${message}`, {
    hint: 'mend the file, or name another with --template-repo-path',
    data: { path: filePath },
    cause,
  })
}

function wrongShape(filePath: string, key: string, wanted: string, value: unknown): LagoError {
  const place = key === '' ? 'the whole file' : `"${key}"`
  const found = value === undefined ? 'is missing' : `is ${describe(value)}`
  return repositoryError(filePath, `${place} ${found}, it must be ${wanted}`)
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (value === '') return 'empty'
  return Array.isArray(value) ? 'a list' : `of type ${typeof value}`
}

async function read(filePath: string): Promise<string> {
  try {
    return await readFile(filePath, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) throw repositoryError(filePath, 'there is no such file', error)
    if (isSystemError(error, 'EISDIR')) throw repositoryError(filePath, 'it is a directory', error)
    throw repositoryError(filePath, messageOf(error), error)
  }
}

function parse(filePath: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw repositoryError(filePath, `it is not JSON: ${messageOf(error)}`, error)
  }
}
