/** Versions and changelogs as the specification says, one sentence after the other, without a thought for speed (spec 8). */
import type { MadeCommit, MadeTag } from './made-repository.js'

export interface ModelHistory {
  readonly commits: readonly MadeCommit[]
  readonly tags: readonly MadeTag[]
  readonly hashes: readonly string[]
}

/** Newest first: of the commits whose children have all been shown the one with the latest time, then the first of them. */
function logOrder(history: ModelHistory): number[] {
  const { commits } = history
  const inside = [...reached(history, commits.length - 1)]
  const childrenOf = (at: number): number[] => inside.filter((child) => commits[child]!.parents.includes(at))
  const shown: number[] = []
  let waiting = [commits.length - 1]
  while (waiting.length > 0) {
    const latest = Math.max(...waiting.map((at) => commits[at]!.committedAtSeconds))
    const next = waiting.find((at) => commits[at]!.committedAtSeconds === latest)!
    shown.push(next)
    waiting = waiting.filter((at) => at !== next)
    const isReady = (at: number): boolean => childrenOf(at).every((child) => shown.includes(child))
    waiting.push(...commits[next]!.parents.filter(isReady))
  }
  return shown
}

function reached(history: ModelHistory, from: number | undefined): Set<number> {
  if (from === undefined) return new Set()
  return new Set([from, ...history.commits[from]!.parents.flatMap((parent) => [...reached(history, parent)])])
}

/** Oldest first. */
function counted(history: ModelHistory, allCommits: boolean): number[] {
  if (allCommits) return logOrder(history).reverse()
  const chain = [history.commits.length - 1]
  for (;;) {
    const parent = history.commits[chain[0]!]!.parents[0]
    if (parent === undefined) return chain
    chain.unshift(parent)
  }
}

export function modelText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

/** By position of the commit. */
function versions(history: ModelHistory, allCommits: boolean): Map<number, string> {
  const found = new Map<number, string>()
  let [x, y, z] = [0, 0, 0]
  for (const at of counted(history, allCommits)) {
    const tags = history.tags.filter(({ on, name }) => on === at && /^\d+\.\d+$/.test(name))
    const numbers = tags.map(({ name }) => name.split('.').map(Number) as [number, number])
    const message = modelText(history.commits[at]!.message)
    if (numbers.length > 0) [[x, y], z] = [numbers.sort(([a, b], [c, d]) => c - a || d - b)[0]!, 0]
    else if (/\nsem-ver:\s*[^\n]*break[^\n]*\n/i.test(message)) [x, y, z] = [x + 1, 0, 0]
    else if (/\nsem-ver:\s*feature\n/i.test(message)) [y, z] = [y + 1, 0]
    else z++
    found.set(at, `${x}.${y}.${z}`)
  }
  return found
}

export function modelVersion(history: ModelHistory, allCommits = false): string {
  return [...versions(history, allCommits).values()].at(-1)!
}

export function modelChangelog(history: ModelHistory, options: { allCommits?: boolean; from?: string } = {}): string {
  const { allCommits = false, from } = options
  const numbers = versions(history, allCommits)
  const entries: string[] = []
  let isIn = from === undefined
  for (const at of counted(history, allCommits)) {
    isIn ||= isNamed(history, at, from!)
    if (!isIn) continue
    const { author, committedAtSeconds, parents } = history.commits[at]!
    const date = new Intl.DateTimeFormat('en-US', { weekday: 'short', month: 'short', day: '2-digit', year: 'numeric' })
      .format(committedAtSeconds * 1000)
      .replaceAll(',', '')
    const before = reached(history, parents[0])
    const inside = reached(history, at)
    const merged = logOrder(history).filter((other) => other !== at && inside.has(other) && !before.has(other))
    const lines = [at, ...(allCommits ? [] : merged)].map((other) => commitLines(history, other))
    entries.unshift(`* ${date} ${modelText(author)} - ${numbers.get(at)}\n${lines.join('')}`)
  }
  return entries.join('\n')
}

function isNamed({ hashes, tags, commits }: ModelHistory, at: number, from: string): boolean {
  const refs = [
    ...tags.filter(({ on }) => on === at).map(({ name }) => `refs/tags/${name}`),
    `refs/heads/c${at}`,
    ...(at === commits.length - 1 ? ['HEAD'] : []),
  ]
  const tails = refs.flatMap((ref) => ref.split('/').map((_, index, parts) => parts.slice(index).join('/')))
  return hashes[at]!.startsWith(from) || tails.includes(from)
}

function commitLines({ commits, hashes }: ModelHistory, at: number): string {
  const lines = modelText(commits[at]!.message).split('\n')
  const bugs = lines.map((line) => /.*Bug-Url: https?:\/\/bugzilla.*\/[^0-9]*([0-9]+)/.exec(line)?.[1])
  const named = bugs.filter((bug) => bug !== undefined)
  const fixed = named.length > 0 ? modelWrap(`FIXED BUGS: ${named.map((bug) => `BZ#${bug}`).join(' ')}`) : ''
  return modelWrap(`${hashes[at]!.slice(0, 8)}: ${lines[0]}`) + fixed
}

/** For texts of ASCII. */
export function modelWrap(text: string): string {
  if (text.length <= 75 || !text.trimStart().includes(' ')) return `    ${text}\n`
  if (text[75] === ' ') return `    ${text.slice(0, 75)}\n${modelWrap(text.slice(75))}`
  const space = text.slice(0, 75).lastIndexOf(' ')
  const isHopeless = text.slice(0, space).trim() === '' && !text.slice(space + 1, space + 67).includes(' ')
  if (space === -1 || isHopeless) return `    ${text.slice(0, 75)}-\n${modelWrap(text.slice(75))}`
  return `    ${text.slice(0, space)}\n${modelWrap(' '.repeat(10) + text.slice(space + 1))}`
}
