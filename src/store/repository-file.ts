/** The template repository file (spec 4.1), read as far as it is needed: a broken entry spoils only itself. */
import { readFile } from 'node:fs/promises'
import { isSystemError, LagoError, messageOf } from '../base/errors.js'
import { plainLine } from '../base/plain-text.js'

export interface RepositoryFile {
  /** Path, or URL without user and password. */
  readonly place: string
  readonly name: string
  /** Raw entries, each checked when it is asked for. */
  readonly templates: JsonObject
  readonly sources: JsonObject
}

export type JsonObject = Readonly<Record<string, unknown>>

/** Throws `LAGO_TEMPLATE_REPO` naming file and key when it cannot be read, is not JSON, or lacks one of its keys. */
export async function readRepositoryFile(filePath: string): Promise<RepositoryFile> {
  return parseRepository(filePath, await read(filePath))
}

/** Throws `LAGO_TEMPLATE_REPO`. */
export function parseRepository(place: string, text: string): RepositoryFile {
  const root = objectAt(place, '', parse(place, text))
  return {
    place,
    name: stringAt(place, 'name', root['name']),
    templates: objectAt(place, 'templates', root['templates']),
    sources: objectAt(place, 'sources', root['sources']),
  }
}

/** `key` is the path of the value in the file, `templates.el7.versions`; empty for the whole. */
export function objectAt(place: string, key: string, value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrongShape(place, key, 'an object', value)
  return value as JsonObject // checked above
}

export function stringAt(place: string, key: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw wrongShape(place, key, 'a text', value)
  return value
}

export function numberAt(place: string, key: string, value: unknown): number {
  if (typeof value !== 'number') throw wrongShape(place, key, 'a number', value)
  return value
}

/** One text or a list of them; none when it is not there. */
export function stringsAt(place: string, key: string, value: unknown): readonly string[] {
  if (value === undefined) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.map((item, index) => stringAt(place, Array.isArray(value) ? `${key}[${index}]` : key, item))
}

export function repositoryError(place: string, message: string, cause?: unknown): LagoError {
  return new LagoError('LAGO_TEMPLATE_REPO', `template repository ${place}: ${message}`, {
    hint: 'mend the file, or name another with --template-repo-path',
    data: { path: place },
    cause,
  })
}

function wrongShape(place: string, key: string, wanted: string, value: unknown): LagoError {
  const where = key === '' ? 'the whole file' : `"${key}"`
  const found = value === undefined ? 'is missing' : `is ${describe(value)}`
  return repositoryError(place, `${where} ${found}, it must be ${wanted}`)
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

function parse(place: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw repositoryError(place, `it is not JSON: ${plainLine(messageOf(error))}`, error)
  }
}
