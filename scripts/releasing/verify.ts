/** Whether everything in a tree of releases is as it should be. Nothing is changed. */
import { lstat, stat } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { entriesBelow } from '../../src/base/entries-below.js'
import { isLagoError, isSystemError, messageOf } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'
import { currentGeneration } from '../../src/rpm/generations.js'
import { ANNOUNCED, readSendings } from './announced.js'
import { APT_INDEX, faultsOfAptIndex } from './apt-index.js'
import { withKeyring, type Keyring } from './keyring.js'
import {
  CHANGELOG,
  latestLink,
  majorOf,
  RELEASE_INFO,
  SNAPSHOT_INFO,
  stableChangelog,
  stableDir,
  unstableDir,
} from './layout.js'
import { faultsOfPackages } from './package-faults.js'
import { faultsOf, namesIn, packagePathsIn } from './package-files.js'
import { faultsOfReleases, readReleases } from './release-info.js'
import { faultsOfRepoFiles, isStableSigned, REPO_FILES } from './repo-files.js'
import { faultsOfRepodata, REPODATA } from './repodata.js'
import { isSnapshotName, latestName, readSnapshot } from './snapshot-info.js'
import { faultsOfSums, SUMS } from './sums.js'
import { warningsOfKeys } from './sign.js'
import { findSignature } from './tree-keys.js'
import { majorsIn, readTree, TREE_INFO, TREE_KEYS, withTreeToRead } from './tree.js'
import type { PackageFile } from './types.js'

export interface Finding {
  /** Of the tree: `stable/2.0`, `unstable/2.0/snapshot-lago_2.0_pipeline_7`; `.` for the tree itself. */
  readonly part: string
  /** On one line, with paths that are absolute. */
  readonly problem: string
}

/**
 * All that is wrong in the tree; empty: nothing. Others may change the tree meanwhile; only when something is found they wait,
 * and it is looked at again, as it may have been their work. Throws `LAGO_RELEASE_TREE`, `LAGO_LOCKED`.
 */
export async function verifyTree(task: Task, treeDir: string): Promise<readonly Finding[]> {
  await readTree(treeDir)
  const first = await allFindings(task, treeDir).catch(() => undefined) // when it is not their work, it is thrown again below
  const findings =
    first?.length === 0 ? first : await withTreeToRead(task, treeDir, async () => allFindings(task, treeDir))
  const keysPath = path.join(treeDir, TREE_KEYS)
  const warnings = await warningsOfKeys(task, keysPath).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'EISDIR')) return []
    throw error
  })
  for (const warning of warnings) task.log('warning', `${keysPath}: ${warning}`)
  return findings
}

async function allFindings(task: Task, treeDir: string): Promise<readonly Finding[]> {
  const keysPath = path.join(treeDir, TREE_KEYS)
  if (!(await pathExists(keysPath))) {
    const signature = await findSignature(treeDir)
    const missing = { part: '.', problem: `${keysPath} is missing, and there are signatures: ${signature}` }
    return [...(signature === undefined ? [] : [missing]), ...(await findingsOf(task, treeDir, undefined))]
  }
  try {
    return await withKeyring(task, keysPath, async (keyring) => findingsOf(task, treeDir, keyring))
  } catch (error) {
    if (!isLagoError(error, 'LAGO_SIGNING_KEY')) throw error
    return [{ part: '.', problem: error.message }, ...(await findingsOf(task, treeDir, undefined))]
  }
}

async function findingsOf(task: Task, treeDir: string, keyring: Keyring | undefined): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const add = async (part: string, look: Promise<readonly string[]>): Promise<void> => {
    const problems = await look.catch((error: unknown) => {
      if (!isSystemError(error, 'EACCES', 'EISDIR', 'EIO', 'ELOOP', 'ENOTDIR')) throw error
      return [`${path.join(treeDir, part)} cannot be read: ${messageOf(error)}`]
    })
    findings.push(...problems.map((problem) => ({ part, problem })))
  }
  await add('.', straysIn(treeDir, [TREE_INFO, TREE_KEYS, 'stable', 'unstable']))
  await add('.', hiddenIn(treeDir))
  for (const part of ['stable', 'unstable'] as const) {
    const majors = await majorsIn(treeDir, part)
    await add(
      part,
      straysIn(
        path.join(treeDir, part),
        majors.map((major) => `${major}.0`),
      ),
    )
  }
  for (const major of await majorsIn(treeDir, 'unstable')) {
    const part = `unstable/${major}.0`
    const names = await namesIn(unstableDir(treeDir, major))
    const snapshots = names.filter((name) => isSnapshotName(name, major))
    await add(part, straysIn(unstableDir(treeDir, major), ['latest', ...snapshots]))
    await add(part, faultsOfLatest(treeDir, major, snapshots))
    for (const name of snapshots)
      await add(`${part}/${name}`, faultsOfSnapshot(task, { treeDir, major, name, keyring }))
  }
  for (const major of await majorsIn(treeDir, 'stable'))
    await add(`stable/${major}.0`, faultsOfStable(task, { treeDir, major, keyring }))
  return findings
}

async function straysIn(dir: string, known: readonly string[]): Promise<readonly string[]> {
  const strays = (await namesIn(dir)).filter((name) => !known.includes(name))
  return strays.map((name) => `${path.join(dir, name)} does not belong there`)
}

async function faultsOfLatest(
  treeDir: string,
  major: number,
  snapshots: readonly string[],
): Promise<readonly string[]> {
  const link = latestLink(treeDir, major)
  try {
    const name = await latestName(treeDir, major)
    if (name === undefined) return snapshots.length === 0 ? [] : [`${link} is missing`]
    return snapshots.includes(name) ? [] : [`${link} leads to ${name}, which is no snapshot`]
  } catch (error) {
    if (isLagoError(error, 'LAGO_RELEASE_TREE')) return [error.message]
    throw error
  }
}

/** What a web server that runs as another user cannot read, also where `stable/X.0` and its like are links to other disks. */
async function hiddenIn(treeDir: string): Promise<readonly string[]> {
  const tops = [treeDir]
  for (const part of ['stable', 'unstable'] as const)
    for (const name of ['.', ...(await majorsIn(treeDir, part)).map((major) => `${major}.0`)])
      if (await isLinkToDirectory(path.join(treeDir, part, name))) tops.push(path.join(treeDir, part, name))
  const hidden: string[] = []
  for (const top of tops) {
    const entries = (await entriesBelow(top)).filter((entry) => !entry.isSymbolicLink())
    for (const filePath of [top, ...entries.map((entry) => path.join(entry.parentPath, entry.name))]) {
      const entry = await stat(filePath)
      const needed = entry.isDirectory() ? 0o005 : 0o004
      if ((entry.mode & needed) !== needed) hidden.push(`${filePath} cannot be read by everybody`)
    }
  }
  return hidden
}

async function isLinkToDirectory(filePath: string): Promise<boolean> {
  if (!(await isDirectory(filePath))) return false
  return (await lstat(filePath)).isSymbolicLink()
}

interface Part {
  readonly treeDir: string
  readonly major: number
  readonly keyring: Keyring | undefined
}

async function faultsOfSnapshot(
  task: Task,
  { treeDir, major, name, keyring }: Part & { readonly name: string },
): Promise<readonly string[]> {
  const dir = path.join(unstableDir(treeDir, major), name)
  try {
    const info = await readSnapshot(dir)
    const isOwn = majorOf(info.version) === major && name.endsWith(`_pipeline_${info.pipeline}`)
    const own = isOwn ? [] : [`${dir} is of another version or pipeline: ${info.version} of ${info.pipeline}`]
    const { files, isSigned } = info
    const content = { dir, files, isSigned, texts: [CHANGELOG, SNAPSHOT_INFO], part: `unstable/${major}.0/latest` }
    return [...own, ...(await faultsOfContent(task, treeDir, { ...content, keyring }))]
  } catch (error) {
    if (isLagoError(error, 'LAGO_SNAPSHOT')) return [error.message]
    throw error
  }
}

async function faultsOfStable(task: Task, { treeDir, major, keyring }: Part): Promise<readonly string[]> {
  const dir = stableDir(treeDir, major)
  try {
    const { releases } = await readReleases(treeDir, major)
    const files = releases.flatMap((release) => release.files)
    const isSigned = await isStableSigned(treeDir, major)
    if (keyring !== undefined && !isSigned)
      task.log('warning', `${dir} is not signed: it is older than the key, and the next promotion signs it`)
    const unsigned = releases.flatMap((release) => (release.isSigned ? [] : release.files))
    const texts = [stableChangelog(major), RELEASE_INFO]
    const content = { dir, files, isSigned, unsigned, texts, part: `stable/${major}.0` }
    return [
      ...(await faultsOfReleases(treeDir, major, releases)),
      ...(await faultsOfAnnounced(dir)),
      ...(await faultsOfContent(task, treeDir, { ...content, keyring })),
    ]
  } catch (error) {
    if (isLagoError(error, 'LAGO_RELEASE_TREE')) return [error.message]
    throw error
  }
}

async function faultsOfAnnounced(dir: string): Promise<readonly string[]> {
  try {
    await readSendings(dir)
    return []
  } catch (error) {
    if (isLagoError(error, 'LAGO_RELEASE_TREE')) return [error.message]
    throw error
  }
}

interface Content {
  readonly dir: string
  readonly files: readonly PackageFile[]
  /** Other files that have to be there. */
  readonly texts: readonly string[]
  /** To which `.repo` files lead. */
  readonly part: string
  readonly isSigned: boolean
  /** RPMs among these came before the tree had a key. Default: none. */
  readonly unsigned?: readonly PackageFile[]
  readonly keyring: Keyring | undefined
}

async function faultsOfContent(task: Task, treeDir: string, content: Content): Promise<readonly string[]> {
  const { dir, files, texts, part, isSigned, keyring } = content
  const found = await namesIn(dir)
  const missing = texts.filter((name) => !found.includes(name))
  const packages = (await packagePathsIn(dir)).map((file) => path.join(dir, file))
  return [
    ...missing.map((name) => `${path.join(dir, name)} is missing`),
    ...(await faultsOf(task, dir, files)),
    ...(await faultsOfPackages(task, packages)),
    ...(await straysOfContent(content)),
    ...(await faultsOfSums(task, dir)),
    ...(await faultsOfLists(task, dir)),
    ...(await faultsOfRepoFiles(treeDir, { dir, part, isSigned })),
    ...(keyring === undefined || !isSigned ? [] : await faultsOfSignatures(content, keyring)),
  ]
}

const OF_ALL = [SUMS, `${SUMS}.asc`, ...REPO_FILES, 'rpm', 'deb', 'npm', 'sources']
/** Beside `release.json`: what was announced. */
const OPTIONAL = [ANNOUNCED]

async function straysOfContent({ dir, files, texts }: Content): Promise<readonly string[]> {
  const known = new Set(files.map((file) => file.path))
  const dists = (await namesIn(path.join(dir, 'rpm'))).map((dist) => `rpm/${dist}`)
  const strays = [...(await straysIn(dir, [...texts, ...OF_ALL, ...OPTIONAL]))]
  for (const place of ['deb', 'npm', 'sources', ...dists]) {
    const lists = path.join(dir, place, place === 'deb' ? APT_INDEX : REPODATA)
    const own = [lists, await currentGeneration(lists)]
    for (const name of await namesIn(path.join(dir, place))) {
      const filePath = path.join(dir, place, name)
      if (!known.has(`${place}/${name}`) && !own.includes(filePath)) strays.push(`${filePath} does not belong there`)
    }
  }
  return strays
}

async function faultsOfLists(task: Task, dir: string): Promise<readonly string[]> {
  const faults: string[] = []
  for (const dist of await namesIn(path.join(dir, 'rpm')))
    faults.push(...(await faultsOfRepodata(task, path.join(dir, 'rpm', dist))))
  const debDir = path.join(dir, 'deb')
  if (await isDirectory(debDir)) faults.push(...(await faultsOfAptIndex(task, debDir)))
  return faults
}

async function faultsOfSignatures({ dir, unsigned = [] }: Content, keyring: Keyring): Promise<readonly string[]> {
  const signed = [path.join(dir, SUMS)]
  for (const dist of await namesIn(path.join(dir, 'rpm')))
    signed.push(path.join(dir, 'rpm', dist, REPODATA, 'repomd.xml'))
  const faults: string[] = []
  for (const file of signed) faults.push(...(await keyring.faultsOfSignature(`${file}.asc`, file)))
  const aptDir = path.join(dir, 'deb', APT_INDEX)
  if (await isDirectory(aptDir)) {
    faults.push(...(await keyring.faultsOfSignature(path.join(aptDir, 'InRelease'))))
    faults.push(...(await keyring.faultsOfSignature(path.join(aptDir, 'Release.gpg'), path.join(aptDir, 'Release'))))
  }
  const older = new Set(unsigned.map((file) => file.path))
  const rpms = (await packagePathsIn(dir)).filter((file) => file.endsWith('.rpm') && !older.has(file))
  return [...faults, ...(await keyring.faultsOfRpms(rpms.map((file) => path.join(dir, file))))]
}

async function isDirectory(dir: string): Promise<boolean> {
  return stat(dir).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
}
