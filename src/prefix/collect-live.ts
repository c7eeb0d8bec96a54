/** Artifacts of a running guest, over ssh. */
import type { Task } from '../base/task.js'
import { pause } from '../base/wait.js'
import { findArtifacts, streamArtifacts, type FoundArtifact } from '../guest/artifacts.js'
import type { Guest } from '../guest/guest.js'
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
  const names = collectNames(found.map(({ path }) => path))
  for (const batch of batchesOf(found)) {
    const places = new Map([...batch].map(([realPath, path]) => [realPath, names.get(path) ?? '']))
    await fetchBatch(task, guest, places, targetDir)
  }
  return missing
}

/** Real path, without slashes at its ends, to the path that was asked for. */
type Batch = Map<string, string>

/** A guest's command line has a limit. */
const MAX_BATCH_LENGTH = 64 * 1024

/**
 * As few as can be, each for one stream. None holds a path twice or a path and one below it: a member of the stream
 * could belong to either.
 */
export function batchesOf(found: readonly FoundArtifact[]): readonly Batch[] {
  const batches: Batch[] = []
  for (const { path, realPath } of found) {
    const key = withoutSlashes(realPath)
    const fits = (batch: Batch): boolean =>
      lengthOf(batch) + key.length < MAX_BATCH_LENGTH && [...batch.keys()].every((other) => !overlap(key, other))
    const batch = batches.find(fits)
    if (batch === undefined) batches.push(new Map([[key, path]]))
    else batch.set(key, path)
  }
  return batches
}

function lengthOf(batch: Batch): number {
  return [...batch.keys()].reduce((sum, key) => sum + key.length + 1, 0)
}

function overlap(one: string, other: string): boolean {
  const [a, b] = [`${one}/`, `${other}/`]
  return one === '' || other === '' || a.startsWith(b) || b.startsWith(a)
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
    await Promise.race([ended, pause(task, CAUSE_MS)]) // a lost connection or a missing tar says more
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
