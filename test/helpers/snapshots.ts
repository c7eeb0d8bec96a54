/** Snapshots in a tree of releases, of packages that are there already. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Task } from '../../src/base/task.js'
import { refreshIndexes } from '../../scripts/releasing/indexes.js'
import { packageFilesIn } from '../../scripts/releasing/package-files.js'
import { writeRepoFiles } from '../../scripts/releasing/repo-files.js'
import type { SigningKey } from '../../scripts/releasing/sign.js'
import { writeSums } from '../../scripts/releasing/sums.js'
import type { SnapshotInfo } from '../../scripts/releasing/types.js'
import { buildDeb } from './debian-package.js'
import { buildNpmPackage } from './npm-package.js'
import { rpmChanges } from './released-tree.js'
import { buildRpm } from './rpms.js'

export interface MadeSnapshot {
  readonly version: string
  readonly pipeline: number
  /** Of `makePackages`. */
  readonly packagesDir: string
  readonly facts?: Partial<SnapshotInfo>
  readonly key?: SigningKey
  /** Default: that of the source tarball. */
  readonly changelog?: string
}

/** 40 hex digits, other ones for each version. */
export function commitOf(version: string): string {
  return Buffer.from(version.padEnd(20)).toString('hex')
}

/** One package of each kind, laid out as in a snapshot. */
export async function makePackages(dir: string, version: string): Promise<void> {
  await buildRpm(path.join(dir, 'rpm/el9'), { name: 'lago', version })
  await buildDeb(path.join(dir, 'deb'), { name: 'lago', version: `${version}-1` })
  await buildNpmPackage(path.join(dir, 'npm'), { version })
  await mkdir(path.join(dir, 'sources'))
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'lago-test-source-'))
  await mkdir(path.join(scratch, `lago-${version}`))
  await writeFile(path.join(scratch, `lago-${version}/ChangeLog`), changelogOf(version))
  const tarball = path.join(dir, `sources/lago-${version}.tar.gz`)
  await promisify(execFile)('tar', ['-czf', tarball, '-C', scratch, `lago-${version}`])
  await rm(scratch, { recursive: true })
}

function changelogOf(version: string): string {
  return rpmChanges({ [version]: `Make ${version}`, '2.0.0': 'Begin' })
}

/** In `unstable/X.0`, with `latest` leading to it; gives its name. The tree is made when it is not there. */
export async function makeSnapshot(task: Task, treeDir: string, made: MadeSnapshot): Promise<string> {
  const { version, pipeline, packagesDir, facts = {}, key, changelog = changelogOf(version) } = made
  const major = version.split('.')[0] ?? ''
  const name = `snapshot-lago_${major}.0_pipeline_${pipeline}`
  const dir = path.join(treeDir, `unstable/${major}.0`, name)
  await mkdir(path.dirname(dir), { recursive: true })
  await writeFile(path.join(treeDir, 'tree.json'), '{"format":1,"url":"https://lago.example.org/lago"}')
  await cp(packagesDir, dir, { recursive: true })
  await writeFile(path.join(dir, 'ChangeLog'), changelog)
  const info: SnapshotInfo = {
    ...{ format: 1, version, release: '1', commit: commitOf(version), pipeline, builtAt: '2026-03-04T12:00:00.000Z' },
    base: { version: '2.0.0', commit: commitOf('2.0.0'), committedAt: '2026-03-04T10:00:00.000Z' },
    changes: [{ commit: commitOf(version), version, subject: `Make ${version}`, kind: 'patch', bugs: [] }],
    notes: `### Changed\n\n- cli: ${version}`,
    isSigned: key !== undefined,
    files: await packageFilesIn(task, dir),
    ...facts,
  }
  await writeFile(path.join(dir, 'snapshot.json'), JSON.stringify(info))
  await refreshIndexes(task, dir, { key })
  await writeSums(task, dir, key)
  await writeRepoFiles(treeDir, { dir, part: `unstable/${major}.0/latest`, isSigned: key !== undefined })
  const latest = path.join(path.dirname(dir), 'latest')
  await rm(latest, { force: true })
  await symlink(name, latest)
  return name
}
