/** Putting what a pipeline has built into a tree of releases, as a snapshot. */
import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { LagoError } from '../../src/base/errors.js'
import { writeFileAtomic } from '../../src/base/files.js'
import type { Task } from '../../src/base/task.js'
import { UndoStack } from '../../src/base/undo.js'
import { readWholePackages } from '../../src/rpm/read-packages.js'
import { scriptCommand } from '../script-path.js'
import { requireFiles } from '../versioning/repository.js'
import { refreshIndexes } from './indexes.js'
import { swingLatest } from './latest.js'
import { CHANGELOG, majorOf, SNAPSHOT_INFO, snapshotName, unstableDir } from './layout.js'
import { copyWhole, packageFilesIn, pathsOfOneAlone, sha256Of } from './package-files.js'
import { packagesBelow, requireSound, type PlacedPackage } from './place-packages.js'
import { readProject, type ProjectState } from './project-state.js'
import { readTarball } from './read-tarball.js'
import { writeAllRepoFiles, writeRepoFiles } from './repo-files.js'
import { findSigningKey, signRpms, type SigningKey } from './sign.js'
import { latestName, readSnapshot, type Snapshot } from './snapshot-info.js'
import { writeSums } from './sums.js'
import { makeTreeDirs, TREE_DIR_MODE } from './tree-dirs.js'
import { ensureTreeKey, requireKeyOf } from './tree-keys.js'
import { ensureTree, unfinishedPath, withTree } from './tree.js'
import type { SnapshotInfo } from './types.js'

export interface SnapshotOptions {
  /** Absolute. */
  readonly treeDir: string
  /** Absolute: what is checked out there. */
  readonly projectDir: string
  /** The number of the build, as the CI server counts them. */
  readonly pipeline: number
  /** Of the packages: `1` unless they were packaged anew. */
  readonly release: string
  /** Public address of the tree; kept in it. */
  readonly url?: string | undefined
  /** What gpg knows the key by; undefined: nothing is signed. */
  readonly keyName?: string | undefined
  /** Gives the directory of the packages of this version, absolute; called only when they are needed. */
  readonly packages: (task: Task, version: string) => Promise<string>
  /** The packages are there already, to be compared with those of a snapshot that is there. */
  readonly arePackagesGiven: boolean
}

/**
 * Makes `unstable/X.0/snapshot-lago_X.0_pipeline_N`, which appears as a whole, and has `latest` lead to it. When it is there
 * already, of the same commit and with the same packages, nothing is done.
 *
 * What a killed call has left, the next one clears. Throws `LAGO_SNAPSHOT_DIFFERS` when a snapshot of that number is there
 * with something else in it, `LAGO_SIGNING_KEY` and `LAGO_RELEASE_UNSIGNED` before anything is built, and what
 * `readProject`, `requireFiles` where packages are to be built, `ensureTree`, `latestName`, `packagesBelow` and `requireSound`
 * throw; of packages that are given before the tree is touched.
 */
export async function makeSnapshot(task: Task, options: SnapshotOptions): Promise<Snapshot> {
  const { treeDir, projectDir, pipeline, keyName, url } = options
  const key = keyName === undefined ? undefined : await findSigningKey(task, keyName)
  const project = await readProject(task, projectDir)
  const given = options.arePackagesGiven ? await soundPackages(task, options, project) : undefined
  if (given === undefined) await requireFiles(task, projectDir, project.commit)
  await ensureTree(task, treeDir, url)
  await requireKeyOf(treeDir, key)
  await withTree(task, treeDir, async () => {
    if (key !== undefined) await ensureTreeKey(task, treeDir, key)
    await writeAllRepoFiles(treeDir)
  })
  const major = majorOf(project.version)
  const name = snapshotName(major, pipeline)
  const dir = path.join(unstableDir(treeDir, major), name)
  await latestName(treeDir, major) // throws where there can be no link, before anything is built
  const finish = async (task: Task): Promise<Snapshot> => {
    const snapshot = { name, dir, info: await readSnapshot(dir) }
    await swingLatest(task, treeDir, snapshot)
    await writeAllRepoFiles(treeDir)
    return snapshot
  }
  const take = async (task: Task, packages: readonly PlacedPackage[]): Promise<Snapshot> => {
    await requireSame(task, dir, { options, project, packages })
    return finish(task)
  }
  const isThere = async (): Promise<boolean> => pathExists(dir)
  if (given === undefined) {
    const found = await withTree(task, treeDir, async () => ((await isThere()) ? take(task, []) : undefined))
    if (found !== undefined) return found
  }
  const packages = given ?? (await soundPackages(task, options, project))
  return withTree(task, treeDir, async () => {
    if (await isThere()) return take(task, packages)
    await task.step(`Snapshot ${name}`, async (task) => fill(task, dir, { options, project, packages, key }))
    return finish(task)
  })
}

async function soundPackages(
  task: Task,
  { packages, release }: SnapshotOptions,
  { version }: ProjectState,
): Promise<readonly PlacedPackage[]> {
  const found = await packagesBelow(await packages(task, version), { version, release })
  await requireSound(task, found)
  return found
}

interface Content {
  readonly options: SnapshotOptions
  readonly project: ProjectState
  readonly packages: readonly PlacedPackage[]
  readonly key: SigningKey | undefined
}

async function fill(task: Task, dir: string, content: Content): Promise<void> {
  const { options, project, packages, key } = content
  const newDir = unfinishedPath(dir)
  await makeTreeDirs(path.dirname(newDir))
  await using undo = new UndoStack(task)
  undo.defer(`remove ${newDir}`, async () => rm(newDir, { recursive: true, force: true }))
  await mkdir(newDir, { mode: TREE_DIR_MODE })
  for (const { fromPath, path: place } of packages) {
    task.signal.throwIfAborted()
    await makeTreeDirs(path.dirname(path.join(newDir, place)))
    await copyWhole(fromPath, path.join(newDir, place))
  }
  const rpms = packages.map((file) => path.join(newDir, file.path)).filter((file) => file.endsWith('.rpm'))
  if (key === undefined) task.log('warning', 'nothing of it is signed, and users are told so: --key signs it')
  else await signRpms(task, key, rpms)
  await writeFileAtomic(path.join(newDir, CHANGELOG), await changelogOf(task, newDir, content))
  await writeFileAtomic(
    path.join(newDir, SNAPSHOT_INFO),
    `${JSON.stringify(await infoOf(task, newDir, content), undefined, 2)}\n`,
  )
  const latest = await latestName(options.treeDir, majorOf(project.version))
  const beforeDir = latest === undefined ? undefined : path.resolve(path.dirname(dir), latest)
  await refreshIndexes(task, newDir, { key, beforeDir })
  await writeSums(task, newDir, key)
  const part = `unstable/${majorOf(project.version)}.0/latest`
  await writeRepoFiles(options.treeDir, { dir: newDir, part, isSigned: key !== undefined })
  await rename(newDir, dir)
  undo.commit()
}

/** That of the source tarball, as the guide has it; without one it is made of the history. */
async function changelogOf(task: Task, dir: string, { packages, project }: Content): Promise<string> {
  const tarball = packages.find((file) => file.path.endsWith(`/lago-${project.version}.tar.gz`))
  if (tarball === undefined) return project.changelog
  const member = `lago-${project.version}/${CHANGELOG}`
  const { problem, text } = await readTarball(task, path.join(dir, tarball.path), member)
  if (problem === undefined && text !== undefined) return text
  const found = problem === undefined ? `has no ${member}` : `is damaged: ${problem}`
  throw new LagoError('LAGO_RELEASE_PACKAGES', `${tarball.fromPath} ${found}`, {
    hint: `build it anew; \`${scriptCommand('packages')} build\` writes one`,
  })
}

async function infoOf(task: Task, dir: string, { options, project, key }: Content): Promise<SnapshotInfo> {
  const { version, commit, base, changes, notes } = project
  const { release, pipeline } = options
  const files = await packageFilesIn(task, dir)
  return {
    format: 1,
    version,
    release,
    commit,
    pipeline,
    builtAt: new Date().toISOString(),
    base,
    changes,
    notes,
    isSigned: key !== undefined,
    files,
  }
}

/** RPMs are the same when they are but for signatures, which are other ones each time. */
async function requireSame(
  task: Task,
  dir: string,
  { options: { release }, project, packages }: Omit<Content, 'key'>,
): Promise<void> {
  const info = await readSnapshot(dir)
  if (info.commit !== project.commit) throw differs(dir, `it is of the commit ${info.commit}, not of ${project.commit}`)
  if (info.release !== release) throw differs(dir, `its packages have the release ${info.release}, not ${release}`)
  task.log('info', `${path.basename(dir)} is there already`)
  if (packages.length === 0) return
  const onOneSide = pathsOfOneAlone(info.files, packages)
  if (onOneSide.length > 0) throw differs(dir, `only one of them has ${onOneSide.join(', ')}`)
  for (const { fromPath, path: place } of packages) {
    const isSame = fromPath.endsWith('.rpm')
      ? await isSameRpm(task, fromPath, path.join(dir, place))
      : (await sha256Of(fromPath)) === (await sha256Of(path.join(dir, place)))
    if (!isSame) throw differs(dir, `its ${place} is not ${fromPath}`)
  }
}

async function isSameRpm(task: Task, one: string, other: string): Promise<boolean> {
  const read = await readWholePackages(task, [one, other], { hint: 'build it anew' })
  return read[0]?.digest === read[1]?.digest
}

function differs(dir: string, how: string): LagoError {
  return new LagoError('LAGO_SNAPSHOT_DIFFERS', `${dir} is there already, and is another one: ${how}`, {
    hint: 'a snapshot is never changed: give the number of this pipeline to --pipeline',
    data: { dir },
  })
}
