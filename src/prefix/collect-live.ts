/** Artifacts of a running guest, over ssh. */
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { pause } from '../base/wait.js'
import { findArtifacts, streamArtifacts, type FoundArtifact } from '../guest/artifacts.js'
import type { Guest } from '../guest/guest.js'
import { quoteWord } from '../guest/quote.js'
import { unpackFromGuest } from '../guest/unpack.js'
import { collectNames } from './collect-names.js'

/** Fetches what `patterns` meet into `targetDir` and gives the patterns that met nothing. */
export async function collectLive(
  task: Task,
  guest: Guest,
  patterns: readonly string[],
  targetDir: string,
): Promise<readonly string[]> {
  const { found, missing } = await findArtifacts(task, guest, patterns)
  if (found.length > MAX_FOUND) throw tooMany(guest.vm, found.length)
  const names = collectNames(found.map(({ path }) => path))
  for (const batch of batchesOf(found)) {
    const places = new Map([...batch].map(([realPath, path]) => [realPath, names.get(path) ?? '']))
    await fetchBatch(task, guest, places, targetDir)
  }
  return missing
}

/** Each is a name that is kept, and a part of a command line. */
const MAX_FOUND = 100_000

function tooMany(vm: string, count: number): LagoError {
  return new LagoError('LAGO_GUEST_OUTPUT', `the artifacts of ${vm} are ${count} files, more than ${MAX_FOUND}`, {
    hint: 'name the directory that they are in, not a pattern for each of them',
    data: { vm, count },
  })
}

/** Real path, without slashes at its ends, to the path that was asked for. */
type Batch = Map<string, string>

/** A guest's shell gets its command as one argument: linux/binfmts.h: MAX_ARG_STRLEN is 128 KiB. */
const MAX_BATCH_BYTES = 64 * 1024
/** The `./` in front of a path and the blank behind it. */
const SPARE_BYTES = 3

/**
 * Few, each for one stream. None holds a path twice or a path and one below it: a member of the stream could belong to
 * either.
 */
export function batchesOf(found: readonly FoundArtifact[]): readonly Batch[] {
  const all = found.map(({ path, realPath }) => ({ path, key: withoutSlashes(realPath) }))
  all.sort((one, other) => (stemOf(one.key) < stemOf(other.key) ? -1 : Number(one.key !== other.key)))
  const batches: Batch[] = []
  const open: { batch: Batch; lengthBytes: number }[] = [] // for what has as many above it as its index
  const above: string[] = []
  for (const { path, key } of all) {
    while (above.length > 0 && !stemOf(key).startsWith(above.at(-1) ?? '')) above.pop()
    const level = above.length
    above.push(stemOf(key))
    const lengthBytes = Buffer.byteLength(quoteWord(key)) + SPARE_BYTES
    const current = open[level]
    if (current !== undefined && current.lengthBytes + lengthBytes <= MAX_BATCH_BYTES) {
      current.batch.set(key, path)
      current.lengthBytes += lengthBytes
    } else {
      const batch = new Map([[key, path]])
      batches.push(batch)
      open[level] = { batch, lengthBytes }
    }
  }
  return batches
}

/** What all paths below `key` begin with, and it itself; in the order of stems they stand right behind it. */
function stemOf(key: string): string {
  return key === '' ? '' : `${key}/`
}

/** `places`: where a real path, and what lies below it, goes. */
async function fetchBatch(
  task: Task,
  guest: Guest,
  places: ReadonlyMap<string, string>,
  targetDir: string,
): Promise<void> {
  const { stdout, ended } = streamArtifacts(task, guest, [...places.keys()])
  const what = `artifacts of ${guest.vm}`
  const rename = (member: string): string | undefined => placeOf(withoutSlashes(member), places)
  await unpackFromGuest(task, stdout, targetDir, { what, rename, keepPartial: true }).catch(async (error: unknown) => {
    // a lost connection or a missing tar says more; what went wrong here is said best by us
    const isOurs = error instanceof LagoError && error.code !== 'LAGO_GUEST_STREAM'
    if (!isOurs) await Promise.race([ended, pause(task, CAUSE_MS)])
    throw error
  })
  const said = await ended
  if (said !== undefined) task.log('warning', `${guest.vm}: ${said}`)
}

/** For the remote command to tell why its stream has ended; one that goes on has nothing to tell. */
const CAUSE_MS = 2000

/** By the nearest of `places` that is the member, or is above it. */
function placeOf(member: string, places: ReadonlyMap<string, string>): string | undefined {
  const parts = member.split('/')
  for (let count = parts.length; count >= 0; count--) {
    const place = places.get(parts.slice(0, count).join('/'))
    if (place !== undefined) return [place, ...parts.slice(count)].join('/')
  }
  return undefined
}

function withoutSlashes(path: string): string {
  return path
    .replace(/^(\.?\/+)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '')
}
