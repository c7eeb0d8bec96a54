/** Reading values out of a prefix's JSON files: the right type, or `LAGO_PREFIX_CORRUPT` naming the file and the key. */
import { LagoError } from '../base/errors.js'

export type JsonObject = Readonly<Record<string, unknown>>

/** A mapping out of a file, and where it stands there. */
export interface Stored {
  /** Absolute. */
  readonly file: string
  /** `disks[0]`; empty for the whole file. */
  readonly path: string
  readonly values: JsonObject
}

export function storedFile(file: string, content: unknown): Stored {
  if (!isObject(content)) throw corrupt(file, content === undefined ? 'is missing' : 'does not hold a mapping')
  return { file, path: '', values: content }
}

/** Null counts as not there, as upstream writes it for what does not apply. */
export function has(at: Stored, key: string): boolean {
  return Object.hasOwn(at.values, key) && at.values[key] !== null && at.values[key] !== undefined
}

/** A number will do: passwords and versions are often written without quotes. */
export function textAt(at: Stored, key: string): string {
  const value = at.values[key]
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw wrong(at, key, 'a text')
}

export function optionalTextAt(at: Stored, key: string): string | undefined {
  return has(at, key) ? textAt(at, key) : undefined
}

export function choiceAt<T extends string>(at: Stored, key: string, choices: readonly T[], fallback?: T): T {
  if (fallback !== undefined && !has(at, key)) return fallback
  const choice = choices.find((choice) => choice === at.values[key])
  if (choice === undefined) throw wrong(at, key, `one of ${choices.join(', ')}`)
  return choice
}

/** Digits in a text will do: values are kept as the user wrote them. */
export function wholeNumberAt(at: Stored, key: string, fallback?: number): number {
  if (fallback !== undefined && !has(at, key)) return fallback
  const value = at.values[key]
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
  throw wrong(at, key, 'a whole number')
}

/** The words of init files, `True` of Python among them. */
export function flagAt(at: Stored, key: string, fallback: boolean): boolean {
  if (!has(at, key)) return fallback
  const word = String(at.values[key]).toLowerCase()
  if (['true', 'yes', 'on', '1'].includes(word)) return true
  if (['false', 'no', 'off', '0', ''].includes(word)) return false
  throw wrong(at, key, 'true or false')
}

/** An empty mapping when the key is not there. */
export function mappingAt(at: Stored, key: string): Stored {
  const value = has(at, key) ? at.values[key] : {}
  if (!isObject(value)) throw wrong(at, key, 'a mapping')
  return { file: at.file, path: pathOf(at, key), values: value }
}

/** Names to texts; without `key` not there, undefined. */
export function textMapAt(at: Stored, key: string): ReadonlyMap<string, string> | undefined {
  if (!has(at, key)) return undefined
  const mapping = mappingAt(at, key)
  return new Map(Object.keys(mapping.values).map((name) => [name, textAt(mapping, name)]))
}

/** None when the key is not there. */
export function textsAt(at: Stored, key: string): readonly string[] {
  const list = listAt(at, key)
  if (!list.every((item) => typeof item === 'string')) throw wrong(at, key, 'a list of texts')
  return list
}

/** None when the key is not there. */
export function mappingsAt(at: Stored, key: string): readonly Stored[] {
  return listAt(at, key).map((values, index) => {
    if (!isObject(values)) throw wrong(at, `${key}[${index}]`, 'a mapping')
    return { file: at.file, path: pathOf(at, `${key}[${index}]`), values }
  })
}

export function wrong(at: Stored, key: string, expected: string): LagoError {
  return corrupt(at.file, `has no ${pathOf(at, key)} that is ${expected}`, pathOf(at, key))
}

function listAt(at: Stored, key: string): readonly unknown[] {
  const value = has(at, key) ? at.values[key] : []
  if (!Array.isArray(value)) throw wrong(at, key, 'a list')
  return value
}

function pathOf(at: Stored, key: string): string {
  return at.path === '' ? key : `${at.path}.${key}`
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value itself is not told: it may be a password. */
function corrupt(file: string, what: string, key?: string): LagoError {
  return new LagoError('LAGO_PREFIX_CORRUPT', `${file} ${what}`, {
    hint: 'put the file right, or remove the environment with "lago destroy" and make it anew',
    data: { file, key },
  })
}
