/**
 * Packages of one version, of what is committed and of nothing else: the commit's tree is laid out in a directory of its
 * own, its version is written down there, it is built, and each kind of package takes what it needs.
 */
import { readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { emptyDir, pathExists } from 'fs-extra/esm'
import { LagoError } from '../../src/base/errors.js'
import { makeDirs } from '../../src/base/files.js'
import { makeScratchDir, sweepScratchDirs } from '../../src/base/scratch-dir.js'
import type { Task } from '../../src/base/task.js'
import { scriptCommand } from '../script-path.js'
import { readHistory } from '../versioning/history.js'
import { requireFiles } from '../versioning/repository.js'
import { isReleaseNumber, isVersion } from '../versioning/version-form.js'
import { buildDebs } from './deb-packages.js'
import { packNpm } from './npm-package.js'
import { ofSameMajor, rpmChangelogOf, wholeChangelog } from './rpm-history.js'
import { buildRpms } from './rpm-packages.js'
import { writeSourceTarball } from './source-tarball.js'
import { buildStage, layOutCommit, type Stage } from './stage.js'
import { PACKAGE_KINDS, type BuiltPackage, type PackageKind, type PackagingOptions } from './types.js'

/**
 * The same commit, version and Node give the same bytes of npm, source and Debian packages.
 *
 * Throws `LAGO_PACKAGING` for a version, a release, a directory or a machine of which no packages can be made, what
 * `readHistory` and `requireFiles` throw, and `LAGO_COMMAND_FAILED` or `LAGO_COMMAND_MISSING` of the programs that make packages.
 */
export async function buildPackages(task: Task, options: PackagingOptions): Promise<readonly BuiltPackage[]> {
  requireSound(options)
  await requireEmpty(options.outDir)
  const { projectDir } = options
  if (!(await pathExists(path.join(projectDir, 'package.json'))))
    refuse(
      `there is no package.json in ${projectDir}`,
      `packages that another project has built: ${scriptCommand('release')} snapshot --packages DIR`,
    )
  const { entries } = await readHistory(task, projectDir, { withMerged: true })
  const newest = entries.at(-1)
  if (newest === undefined) throw new Error('unreachable: a history without commits')
  await requireFiles(task, projectDir, newest.commit.hash)
  const cacheDir = path.join(projectDir, '.cache')
  await makeDirs(cacheDir)
  await sweepScratchDirs(task, [cacheDir, os.tmpdir()])
  // below the project: its dependencies can be linked to on one file system alone
  const workDir = await makeScratchDir('packages', cacheDir)
  try {
    const changelogs = { changelog: wholeChangelog(entries), changelogOfRpm: rpmChangelogOf(ofSameMajor(entries)) }
    const commit = { hash: newest.commit.hash, committedAtMs: newest.commit.committedAtMs }
    const stage = await layOutCommit(task, { ...options, workDir, commit, ...changelogs })
    return await packAll(task, stage, options)
  } catch (error) {
    await emptyDir(options.outDir) // as it was
    throw error
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
}

async function packAll(task: Task, stage: Stage, options: PackagingOptions): Promise<readonly BuiltPackage[]> {
  const { outDir, dists, kinds = PACKAGE_KINDS } = options
  const wants = (...some: readonly PackageKind[]): boolean => some.some((kind) => kinds.includes(kind))
  const sourcePath = path.join(wants('source') ? outDir : stage.workDir, `lago-${stage.version}.tar.gz`)
  if (wants('source', 'rpm', 'srpm')) await writeSourceTarball(task, stage, sourcePath)
  const source: BuiltPackage[] = wants('source') ? [{ kind: 'source', path: sourcePath }] : []
  if (!wants('npm', 'deb', 'rpm', 'srpm')) return source
  await task.step('build', async (task) => buildStage(task, stage))
  const npm: BuiltPackage[] = wants('npm') ? [{ kind: 'npm', path: await packNpm(task, stage, outDir) }] : []
  const debs = wants('deb') ? await task.step('Debian packages', async (task) => buildDebs(task, stage, outDir)) : []
  const rpms: BuiltPackage[] = []
  if (wants('rpm', 'srpm'))
    for (const dist of dists) {
      const built = await task.step(`RPMs for ${dist}`, async (task) =>
        buildRpms(task, stage, { outDir, dist, sourcePath, kinds }),
      )
      rpms.push(...built)
    }
  return [...npm, ...source, ...debs.map((path) => ({ kind: 'deb' as const, path })), ...rpms]
}

/** Throws `LAGO_PACKAGING` for what no packages can be made of. */
export function requireSound(options: Omit<PackagingOptions, 'projectDir' | 'outDir'>): void {
  const { version, release, dists, kinds = PACKAGE_KINDS } = options
  if (!isVersion(version))
    refuse(`no packages can be made of version "${version}"`, 'a version is three numbers: 2.1.7')
  if (!isReleaseNumber(release)) refuse(`"${release}" is no release of a package`, 'a release is a number from 1 on')
  for (const dist of dists)
    if (!/^[a-z]+\d+$/.test(dist)) refuse(`"${dist}" is no distribution of RPMs`, 'one is named like el9 or fc42')
  const twice = dists.find((dist, index) => dists.indexOf(dist) !== index)
  if (twice !== undefined) refuse(`"${twice}" was named twice`, 'name each distribution once')
  if (dists.length === 0 && kinds.some((kind) => kind === 'rpm' || kind === 'srpm'))
    refuse('no distribution was named for which RPMs are to be made', 'name some, as el9 and fc42, or leave RPMs out')
}

async function requireEmpty(outDir: string): Promise<void> {
  const [first] = await readdir(outDir)
  if (first !== undefined)
    refuse(`packages are not put into ${outDir}: there is something in it (${first})`, 'name an empty directory')
}

function refuse(message: string, hint: string): never {
  throw new LagoError('LAGO_PACKAGING', message, { hint })
}
