/** Files that are fetched from a guest: patterns are expanded there, and everything comes as one tar stream. */
import type { Readable } from 'node:stream'
import { LagoError } from '../base/errors.js'
import { lastLines } from '../base/plain-text.js'
import type { Task } from '../base/task.js'
import type { Guest } from './guest.js'
import { quoteWord, quoteWords } from './quote.js'

export interface FoundArtifact {
  /** As it was asked for, patterns replaced by what they met. */
  readonly path: string
  /** Absolute, links followed. */
  readonly realPath: string
}

export interface FoundArtifacts {
  readonly found: readonly FoundArtifact[]
  /** Those of the patterns that met nothing. */
  readonly missing: readonly string[]
}

/**
 * One round trip for all patterns. A path of exactly a pattern's name comes before all meaning of its characters.
 * Throws `LAGO_GUEST_UNREACHABLE`, `LAGO_GUEST_COMMAND` when the guest's shell cannot do it.
 */
export async function findArtifacts(task: Task, guest: Guest, patterns: readonly string[]): Promise<FoundArtifacts> {
  const script = [EMIT, ...patterns.map(findCommand)].join('\n')
  const { exitCode, stdout, stderr } = await guest.run(task, ['sh', '-c', script])
  const fields = stdout.split('\0')
  if (exitCode !== 0 || fields.length % FIELDS !== 1)
    throw new LagoError('LAGO_GUEST_COMMAND', `${guest.vm} could not look for its artifacts: ${lastLine(stderr)}`, {
      data: { vm: guest.vm, exitCode },
    })
  return readFound(fields, patterns)
}

const FIELDS = 3

/** Fields end with NUL, the one character that no path has. A link that leads nowhere is not there. */
const EMIT = `emit() {
  [ -e "$2" ] || return 0
  case $2 in /*) real=$2 ;; *) real=$PWD/$2 ;; esac
  followed=$(readlink -f -- "$real" 2>/dev/null) && real=$followed
  printf '%s\\0%s\\0%s\\0' "$1" "$2" "$real"
}`

function findCommand(pattern: string, index: number): string {
  const literal = quoteWord(anchored(pattern))
  const loop = `for path in ${globWord(anchored(pattern))}; do emit ${index} "$path"; done`
  return `if [ -e ${literal} ]; then emit ${index} ${literal}; else ${loop}; fi`
}

/** A relative path stays below the user's home; before a dash it would read as an option. */
function anchored(pattern: string): string {
  return pattern.startsWith('/') ? pattern : `./${pattern}`
}

/** For the guest's shell: what makes a pattern stays bare, everything else is quoted. */
function globWord(pattern: string): string {
  return pattern.replace(/\[[!^]?\]?[^\]]*\]|[*?]+|(?:(?!\[[!^]?\]?[^\]]*\])[^*?])+/gu, (token) => {
    if (/^[*?]/.test(token)) return token
    return token.startsWith('[') && token.endsWith(']') && token.length > 2 ? bracketWord(token) : quoteWord(token)
  })
}

function bracketWord(bracket: string): string {
  const [, not = '', members = ''] = /^\[([!^]?)(.*)\]$/su.exec(bracket) ?? []
  const quoted = members.replace(/[^-]+/gu, (text) => quoteWord(text))
  return `[${not === '' ? '' : '!'}${quoted}]`
}

function readFound(fields: readonly string[], patterns: readonly string[]): FoundArtifacts {
  const found = new Map<string, FoundArtifact>()
  const met = new Set<number>()
  for (let at = 0; at + FIELDS < fields.length; at += FIELDS) {
    const [index = '', path = '', realPath = ''] = fields.slice(at, at + FIELDS)
    met.add(Number(index))
    found.set(path, { path: path.replace(/^\.\//, ''), realPath })
  }
  return { found: [...found.values()], missing: patterns.filter((_, index) => !met.has(index)) }
}

export interface ArtifactStream {
  readonly stdout: Readable
  /** What tar had to say; undefined when it had nothing. Rejects with `LAGO_GUEST_COMMAND` when it could not run. */
  readonly ended: Promise<string | undefined>
}

/** tar's exit code for files that changed or could not be read; the others are in the stream. */
const TAR_PROBLEMS = [1, 2]

/** Names in the stream are the real paths without the leading slash. */
export function streamArtifacts(task: Task, guest: Guest, realPaths: readonly string[]): ArtifactStream {
  const words = realPaths.map((path) => `.${path.startsWith('/') ? '' : '/'}${path}`)
  const { stdin, stdout, ended } = guest.start(task, `cd / && exec tar -c -f - ${quoteWords(words)}`)
  stdin.end()
  const told = ended.then(({ exitCode, stderr }) => {
    if (exitCode === 0) return undefined
    if (TAR_PROBLEMS.includes(exitCode)) return lastLine(stderr)
    throw new LagoError('LAGO_GUEST_COMMAND', `tar on ${guest.vm} ended with ${exitCode}: ${lastLine(stderr)}`, {
      hint: 'collect needs tar in the guest',
      data: { vm: guest.vm, exitCode },
    })
  })
  told.catch(() => undefined) // told to whoever awaits it
  return { stdout, ended: told }
}

function lastLine(text: string): string {
  return lastLines(text, 1)[0] ?? ''
}
