/** Users and passwords per host, in the format that ftp(1) and curl read (`~/.netrc`). */
import { readFile, stat } from 'node:fs/promises'
import { isSystemError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'

export interface NetrcEntry {
  /** Undefined: any host (`default`). */
  readonly machine: string | undefined
  readonly login: string | undefined
  readonly password: string | undefined
}

/** Nobody's is longer; what is may be no file of that kind. */
const LONGEST_BYTES = 1024 ** 2

/**
 * Nothing when there is none. One that others may read, that cannot be read or that is not understood is told as a
 * warning, without anything of its content; the last two count as none.
 */
export async function readNetrc(task: Task, filePath: string): Promise<readonly NetrcEntry[]> {
  try {
    const found = await stat(filePath)
    if (!found.isFile() || found.size > LONGEST_BYTES) return unusable(task, filePath, 'it is no file of that kind')
    if ((found.mode & 0o077) !== 0)
      task.log('warning', `others may read the passwords in ${filePath}: chmod 600 ${filePath}`, { path: filePath })
    const parsed = parseNetrc(await readFile(filePath, 'utf8'))
    return 'entries' in parsed
      ? parsed.entries
      : unusable(task, filePath, `line ${parsed.brokenLine} is not understood`)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    if (isSystemError(error, 'EACCES', 'EPERM', 'ELOOP', 'EIO')) return unusable(task, filePath, error.code ?? '')
    throw error
  }
}

function unusable(task: Task, filePath: string, why: string): readonly NetrcEntry[] {
  task.log('warning', `${filePath} is not used: ${why}`, { path: filePath })
  return []
}

/** The first entry for `host` (lower case), and for `login` when that is given. */
export function findNetrcEntry(entries: readonly NetrcEntry[], host: string, login?: string): NetrcEntry | undefined {
  return entries.find(
    (entry) =>
      (entry.machine === undefined || entry.machine.toLowerCase() === host) &&
      (login === undefined || entry.login === login),
  )
}

export function parseNetrc(
  text: string,
): { readonly entries: readonly NetrcEntry[] } | { readonly brokenLine: number } {
  const tokens = tokensOf(text)
  const entries: Writable<NetrcEntry>[] = []
  for (let word = tokens.word(); word !== undefined; word = tokens.word()) {
    if (word === 'default') {
      entries.push({ machine: undefined, login: undefined, password: undefined })
      continue
    }
    const value = VALUED.has(word) ? tokens.value() : undefined
    const entry = word === 'machine' ? undefined : entries.at(-1)
    if (value === undefined || (entry === undefined && OF_ENTRY.has(word))) return { brokenLine: tokens.line() }
    if (word === 'macdef') tokens.skipMacro()
    if (word === 'machine') entries.push({ machine: value, login: undefined, password: undefined })
    if (entry !== undefined && (word === 'login' || word === 'password')) entry[word] = value
  }
  return { entries }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Words that another one follows. */
const VALUED = new Set(['machine', 'login', 'password', 'account', 'macdef'])
const OF_ENTRY = new Set(['login', 'password', 'account'])

interface Tokens {
  /** The next word behind comments; undefined at the end. */
  word(): string | undefined
  /** What follows a word; undefined at the end, and for a quote that has none. */
  value(): string | undefined
  /** Of the last word or value, from 1. */
  line(): number
  /** Behind the next empty line, where a macro ends. */
  skipMacro(): void
}

/** As it stands, or in quotes with a backslash before characters that mean something. */
const TOKEN = /"(?<quoted>(?:[^"\\]|\\.)*)"|(?<plain>[^\s"]\S*)/sy

function tokensOf(text: string): Tokens {
  let at = 0
  let startedAt = 0
  const skip = (pattern: RegExp): void => {
    pattern.lastIndex = at
    at += pattern.exec(text)?.[0].length ?? 0
  }
  const token = (): string | undefined => {
    startedAt = at
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    at += found?.[0].length ?? 0
    const { quoted, plain } = found?.groups ?? {}
    return plain ?? (quoted === undefined ? undefined : unescaped(quoted))
  }
  return {
    word() {
      skip(/(?:\s+|#.*)*/y)
      return at === text.length ? undefined : (token() ?? '')
    },
    value() {
      skip(/\s*/y)
      return token()
    },
    line: () => text.slice(0, startedAt).split('\n').length,
    skipMacro: () => skip(/.*?(?:\n[ \t]*\r?\n|$)/sy),
  }
}

function unescaped(quoted: string): string {
  return quoted.replace(/\\(.)/gs, (_, char: string) => ({ n: '\n', r: '\r', t: '\t' })[char] ?? char)
}
