/**
 * Kills `lago` and looks at what the next command makes of it: every verb, at a step boundary or after a random time,
 * followed by the same verb or by another that a user would take next.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { outcomeOf, type LagoRun } from '../../helpers/lago-project.js'
import { hostStateWith, type HostState } from './host.js'
import type { StateName, World } from './world.js'

interface Verb {
  readonly args: readonly string[]
  readonly before: StateName
  readonly after: StateName
  /** What may come next beside the verb itself. */
  readonly others: readonly { readonly args: readonly string[]; readonly after: StateName }[]
}

const DESTROY = { args: ['destroy', '--yes'], after: 'none' } as const

export const VERBS: Readonly<Record<string, Verb>> = {
  init: { args: ['init'], before: 'none', after: 'made', others: [DESTROY] },
  start: { args: ['start'], before: 'made', after: 'up', others: [DESTROY, { args: ['stop'], after: 'made' }] },
  stop: { args: ['stop'], before: 'up', after: 'made', others: [DESTROY, { args: ['start'], after: 'up' }] },
  snapshot: { args: ['snapshot', 'first'], before: 'up', after: 'snapped', others: [DESTROY] },
  revert: { args: ['revert', 'first'], before: 'snapped', after: 'snapped', others: [DESTROY] },
  suspend: {
    args: ['stop', '--suspend'],
    before: 'up',
    after: 'asleep',
    others: [DESTROY, { args: ['start'], after: 'up' }],
  },
  deploy: { args: ['deploy'], before: 'deployed', after: 'deployed', others: [DESTROY] },
  export: { args: ['export', '-s', '-d', 'out'], before: 'made', after: 'exported', others: [DESTROY] },
  destroy: { args: ['destroy', '--yes'], before: 'up', after: 'none', others: [{ args: ['init'], after: 'made' }] },
}

export interface Kill {
  readonly verb: string
  /** A step boundary, counted from 1, or the milliseconds after which the kill comes from outside. */
  readonly at: { readonly boundary: number } | { readonly afterMs: number }
  /** Undefined: the same verb again. */
  readonly next: number | undefined
}

export interface KillReport {
  readonly kill: Kill
  /** The step boundary that was passed last; `ended` when the kill came too late. */
  readonly point: string
  readonly next: string
  readonly exitCode: number
  /** The warnings and errors of the next command. */
  readonly said: string
  /** By kind: `+` for what should not be there, `-` for what is missing. Empty when all is well. */
  readonly differences: readonly string[]
}

/** How many step boundaries the verb has. The state afterwards is the verb's own. */
export async function countBoundaries(world: World, name: string): Promise<{ boundaries: number; tookMs: number }> {
  const verb = verbOf(name)
  await world.reach(verb.before)
  const startedAt = Date.now()
  await world.succeed(['--events', 'events', ...verb.args])
  world.isAt(verb.after)
  const tookMs = Date.now() - startedAt
  return { boundaries: boundariesIn(await eventsOf(world)).length, tookMs }
}

export async function killOnce(world: World, kill: Kill): Promise<KillReport> {
  const verb = verbOf(kill.verb)
  await world.reach(verb.before)
  const killed = await runKilled(world, verb.args, kill.at)
  const boundaries = boundariesIn(await eventsOf(world))
  const point = killed ? (boundaries.at(-1) ?? 'before the first step') : 'ended'
  const next = kill.next === undefined ? verb : (verb.others[kill.next] ?? verb)
  const outcome = await outcomeOf(world.project.spawnLago([...next.args]))
  const expected = killed ? next.after : undefined
  const differences = expected === undefined ? [] : await differencesFrom(world, expected, outcome)
  world.isAt(next.after)
  if (differences.length > 0 || expected === undefined) await startOver(world)
  const said = outcome.stderr
    .split('\n')
    .filter((line) => SAID.test(line))
    .map((line) => line.trim())
  return { kill, point, next: next.args[0] ?? '', exitCode: outcome.exitCode, said: said.join(' / '), differences }
}

const SAID = /interrupt|\[LAGO_|left|goes on|undone|finish/

/** True when the kill came before the end. */
async function runKilled(world: World, args: readonly string[], at: Kill['at']): Promise<boolean> {
  const isBoundary = 'boundary' in at
  const child = world.project.spawnLago(['--events', 'events', ...args], {
    env: isBoundary ? { NODE_OPTIONS: `--import ${PRELOAD}`, LAGO_TEST_DIE_AT: String(at.boundary) } : {},
  })
  const ended = outcomeOf(child)
  if (!isBoundary) await Promise.race([sleep(at.afterMs).then(() => child.kill('SIGKILL')), ended])
  await ended
  return child.signalCode === 'SIGKILL'
}

const PRELOAD = fileURLToPath(new URL('./die-at-step.js', import.meta.url))

const SETTLE_MS = 10_000

/** What ends by itself after a kill may take a moment for it. */
async function differencesFrom(
  world: World,
  state: StateName,
  { exitCode, stderr }: LagoRun,
): Promise<readonly string[]> {
  const deadline = Date.now() + SETTLE_MS
  for (;;) {
    const found = differencesOf(world.reference(state), await hostStateWith(world.project.dir))
    const isFine = exitCode === 0 || (state === 'none' && stderr.includes('[LAGO_NO_WORKDIR]')) // nothing was there
    const all = [...(isFine ? [] : [`exit code ${exitCode}`]), ...found]
    if (found.length === 0 || Date.now() > deadline) return [...all, ...(await notWorking(world, state))]
    await sleep(100)
  }
}

/** Guests that were up before still answer. */
async function notWorking(world: World, state: StateName): Promise<readonly string[]> {
  if (!['snapped', 'deployed', 'up'].includes(state)) return []
  for (const args of [
    ['wait', 'ssh'],
    ['shell', 'killed1', 'hostname'],
  ]) {
    const outcome = await outcomeOf(world.project.spawnLago(args))
    if (outcome.exitCode !== 0) return [`lago ${args.join(' ')}: ${outcome.stderr.slice(-300)}`]
  }
  return []
}

export function differencesOf(expected: HostState, found: HostState): string[] {
  return Object.keys(expected).flatMap((kind) => {
    const missing = without(expected[kind] ?? [], found[kind] ?? []).map((name) => `${kind}: -${name}`)
    const extra = without(found[kind] ?? [], expected[kind] ?? []).map((name) => `${kind}: +${name}`)
    return [...missing, ...extra]
  })
}

function without(names: readonly string[], others: readonly string[]): string[] {
  const left = [...others]
  return names.filter((name) => {
    const index = left.indexOf(name)
    if (index === -1) return true
    left.splice(index, 1)
    return false
  })
}

async function startOver(world: World): Promise<void> {
  await outcomeOf(world.project.spawnLago(['destroy', '--yes']))
  await world.clear()
  world.isAt('none')
}

async function eventsOf(world: World): Promise<string> {
  return readFile(path.join(world.project.dir, 'events'), 'utf8').catch(() => '')
}

function boundariesIn(events: string): string[] {
  const titles = new Map<number, string>()
  return events
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as { readonly type: string; readonly id: number; readonly title: string }) // our own format
    .filter(({ type }) => type.startsWith('step.'))
    .map(({ type, id, title }) => {
      if (type === 'step.start') titles.set(id, title)
      return `${type === 'step.start' ? 'begin' : 'end'} "${titles.get(id) ?? ''}"`
    })
}

function verbOf(name: string): Verb {
  const verb = VERBS[name]
  if (verb === undefined) throw new Error(`no such verb: ${name}; there are ${Object.keys(VERBS).join(', ')}`)
  return verb
}
