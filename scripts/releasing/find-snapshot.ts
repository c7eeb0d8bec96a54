/** Which snapshot is meant. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { isSystemError, LagoError } from '../../src/base/errors.js'
import { scriptCommand } from '../script-path.js'
import { latestLink, snapshotName, unstableDir } from './layout.js'
import { isSnapshotName, latestName, readSnapshot, type Snapshot } from './snapshot-info.js'
import { majorsIn } from './tree.js'

/**
 * `given` is a directory's name, `latest`, or a pipeline's number; without it, what `latest` of the newest X.0 leads to.
 * Throws `LAGO_SNAPSHOT` when there is none, and when a number stands for several.
 */
export async function findSnapshot(treeDir: string, given: string | undefined): Promise<Snapshot> {
  const majors = await majorsIn(treeDir, 'unstable')
  if (given === undefined) return latestOf(treeDir, majors)
  const wanted = path.basename(given)
  const ofLatest = wanted === 'latest' ? majorsOfLatest(given, majors) : []
  if (ofLatest.length > 0) return latestOf(treeDir, ofLatest)
  const dirs = majors.map((major) => ({
    major,
    name: /^\d+$/.test(wanted) ? snapshotName(major, Number(wanted)) : wanted,
  }))
  const found: string[] = []
  for (const { major, name } of dirs)
    if ((await namesOf(treeDir, major)).includes(name)) found.push(path.join(unstableDir(treeDir, major), name))
  const [dir, ...others] = found
  if (dir === undefined)
    throw noSnapshot(`there is no snapshot "${given}" in ${treeDir}`, await hintOf(treeDir, majors))
  if (others.length > 0)
    throw noSnapshot(
      `pipeline ${given} has made several snapshots`,
      `name one: ${found.map((one) => path.basename(one)).join(', ')}`,
    )
  return snapshotIn(dir)
}

/** Of `unstable/2.0/latest` that one alone, as far as it is there; of `latest` all. */
function majorsOfLatest(given: string, majors: readonly number[]): readonly number[] {
  const parent = path.basename(path.dirname(given))
  return parent === '.' ? majors : majors.filter((major) => parent === `${major}.0`)
}

async function latestOf(treeDir: string, majors: readonly number[]): Promise<Snapshot> {
  const major = majors.at(-1)
  if (major === undefined)
    throw noSnapshot(`there is no snapshot in ${treeDir}`, `${scriptCommand('release')} snapshot makes one`)
  const name = await latestName(treeDir, major)
  if (name !== undefined && (await namesOf(treeDir, major)).includes(name))
    return snapshotIn(path.join(unstableDir(treeDir, major), name))
  const how = name === undefined ? 'is not there' : `leads to ${name}, which is not there`
  throw noSnapshot(`${latestLink(treeDir, major)} ${how}`, await hintOf(treeDir, majors))
}

async function snapshotIn(dir: string): Promise<Snapshot> {
  return { name: path.basename(dir), dir, info: await readSnapshot(dir) }
}

async function namesOf(treeDir: string, major: number): Promise<readonly string[]> {
  const names = await readdir(unstableDir(treeDir, major)).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  })
  return names.filter((name) => isSnapshotName(name, major)).sort()
}

async function hintOf(treeDir: string, majors: readonly number[]): Promise<string> {
  const names = (await Promise.all(majors.map(async (major) => namesOf(treeDir, major)))).flat()
  return names.length === 0 ? `${scriptCommand('release')} snapshot makes one` : `there are ${names.join(', ')}`
}

function noSnapshot(message: string, hint: string): LagoError {
  return new LagoError('LAGO_SNAPSHOT', message, { hint })
}
