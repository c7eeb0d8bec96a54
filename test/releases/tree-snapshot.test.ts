/** `scripts/release snapshot` with small packages of small projects. */
import { execFile, execFileSync } from 'node:child_process'
import {
  chmod,
  cp,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { pathExists } from 'fs-extra/esm'
import { afterEach, describe, expect, test } from '@jest/globals'
import { entriesBelow } from '../../src/base/entries-below.js'
import { waitUntil, type Probe } from '../../src/base/wait.js'
import { makeSnapshot } from '../../scripts/releasing/snapshot.js'
import { readSnapshot } from '../../scripts/releasing/snapshot-info.js'
import { verifyTree } from '../../scripts/releasing/verify.js'
import { withTree } from '../../scripts/releasing/tree.js'
import { buildSmallPackages, makeGitProject, useSmallPackages, type GitProject } from '../helpers/git-project.js'
import { useGpgHome } from '../helpers/gpg-key.js'
import { serveDir, useHttpServers } from '../helpers/http-server.js'
import { gone } from '../helpers/processes.js'
import { recordedTask, type RecordedTask } from '../helpers/recorded-task.js'
import { buildNpmPackage } from '../helpers/npm-package.js'
import { RELEASE_PROGRAM, runRelease } from '../helpers/release-program.js'
import { aptWith, dnfWith } from '../helpers/release-readers.js'
import { buildRpm } from '../helpers/rpms.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const mounted: string[] = []
afterEach(() => {
  for (const dir of mounted.splice(0)) execFileSync('umount', [dir])
})
const makeTempDir = useTempDirs()
const gpgHome = useGpgHome()
const servers = useHttpServers()
const asRoot = process.getuid?.() === 0 ? test : test.skip // to mount a small disk

const packagesOf = useSmallPackages('2.0.1', '2.0.2')

interface Workshop extends RecordedTask {
  readonly project: GitProject
  readonly treeDir: string
  readonly unstableDir: string
  /** Of the packages of this version, copied to be changed. */
  packagesDir(version: string): Promise<string>
  snapshot(
    pipeline: number,
    options?: { packages?: string; key?: string; url?: string; release?: string },
  ): Promise<string>
}

/** A project at 2.0.1, and a tree that is not there yet; snapshots are of packages that are given. */
async function workshop(): Promise<Workshop> {
  const dir = path.join(await makeTempDir(), 'with spaces')
  const project = await makeGitProject(path.join(dir, 'project'))
  const treeDir = path.join(dir, 'tree')
  const recorded = recordedTask()
  return {
    ...recorded,
    project,
    treeDir,
    unstableDir: path.join(treeDir, 'unstable/2.0'),
    async packagesDir(version) {
      const copy = path.join(dir, `packages-${version}`)
      await cp(packagesOf(version), copy, { recursive: true })
      return copy
    },
    async snapshot(pipeline, { packages = packagesOf('2.0.1'), key, url, release = '1' } = {}) {
      const options = { treeDir, projectDir: project.dir, pipeline, release, keyName: key, url }
      return (await makeSnapshot(recorded.task, { ...options, packages: async () => packages, arePackagesGiven: true }))
        .dir
    },
  }
}

const SNAPSHOT = ['ChangeLog', 'SHA256SUMS', 'deb', 'npm', 'rpm', 'snapshot.json', 'sources']

describe('a snapshot', () => {
  test('has all packages in their places, their lists, checksums and what it is of; latest leads to it', async () => {
    const { snapshot, unstableDir, project, treeDir, messages } = await workshop()
    const dir = await snapshot(7, { url: 'https://lago.example.org/lago' })
    expect(dir).toBe(path.join(unstableDir, 'snapshot-lago_2.0_pipeline_7'))
    expect(await readdir(dir)).toEqual([...SNAPSHOT, 'lago-el.repo', 'lago-fedora.repo', 'lago.sources'].sort())
    expect(await readlink(path.join(unstableDir, 'latest'))).toBe('snapshot-lago_2.0_pipeline_7')
    const info = await readSnapshot(dir)
    expect(info).toMatchObject({
      ...{ format: 1, version: '2.0.1', release: '1', pipeline: 7, notes: '### Added\n\n- area: something' },
      commit: project.git('rev-parse', 'HEAD').trim(),
      base: { version: '2.0.0', commit: project.git('rev-parse', '2.0').trim() },
      changes: [
        { version: '2.0.1', subject: 'mend it', kind: 'patch', bugs: ['1234'] },
        { version: '2.0.0', subject: 'begin', kind: 'patch', bugs: [] },
      ],
    })
    expect(info.files.map((file) => file.path)).toEqual([
      'deb/lago_2.0.1-1_all.deb',
      'npm/lago-2.0.1.tgz',
      'rpm/el9/lago-2.0.1-1.el9.noarch.rpm',
      'rpm/fc42/lago-2.0.1-1.fc42.noarch.rpm',
      'sources/lago-2.0.1-1.src.rpm',
      'sources/lago-2.0.1.tar.gz',
    ])
    expect(await readFile(path.join(dir, 'ChangeLog'), 'utf8')).toMatch(/^\* Mon Jan 05 2026 Jane Doe .* - 2\.0\.1$/m)
    expect(await readFile(path.join(dir, 'lago-fedora.repo'), 'utf8')).toContain(
      'baseurl=https://lago.example.org/lago/unstable/2.0/latest/rpm/fc$releasever\nenabled=1\nmetadata_expire=60\n',
    )
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: dir })
    expect(await readdir(treeDir)).toEqual(['tree.json', 'unstable'])
    expect(messages('warning')).toEqual(['nothing of it is signed, and users are told so: --key signs it'])
  })

  test('is made once; again, it is found to be the same', async () => {
    const { snapshot, unstableDir, messages, packagesDir } = await workshop()
    const dir = await snapshot(7)
    const before = await readFile(path.join(dir, 'snapshot.json'), 'utf8')
    await rm(path.join(unstableDir, 'latest')) // as a run that was killed would have left it
    await snapshot(7, { packages: await packagesDir('2.0.1') })
    expect(messages('info')).toContain('snapshot-lago_2.0_pipeline_7 is there already')
    expect(await readFile(path.join(dir, 'snapshot.json'), 'utf8')).toBe(before)
    expect(await readlink(path.join(unstableDir, 'latest'))).toBe(path.basename(dir))
  })

  test('has its packages built only when it is not there yet', async () => {
    const { project, treeDir, task } = await workshop()
    const built: string[] = []
    const packages = async (_: unknown, version: string): Promise<string> => {
      built.push(version)
      return packagesOf(version)
    }
    const options = { treeDir, projectDir: project.dir, pipeline: 7, release: '1', packages, arePackagesGiven: false }
    await makeSnapshot(task, options)
    await makeSnapshot(task, options)
    expect(built).toEqual(['2.0.1'])
    project.commit('more')
    await expect(makeSnapshot(task, options)).rejects.toMatchObject({ code: 'LAGO_SNAPSHOT_DIFFERS' })
    expect(built).toEqual(['2.0.1'])
  })

  test('brings the files for dnf and apt of others up to date when the address of the tree changes', async () => {
    const { snapshot, treeDir, task } = await workshop()
    const first = await snapshot(7)
    expect(await readdir(first)).toEqual(SNAPSHOT)
    await mkdir(path.join(treeDir, 'stable/2.0'), { recursive: true })
    for (const url of ['https://lago.example.org/lago', 'https://elsewhere.example.org']) {
      await snapshot(8, { url })
      for (const dir of [first, path.join(treeDir, 'stable/2.0')])
        expect(await readFile(path.join(dir, 'lago.sources'), 'utf8')).toContain(`URIs: ${url}/`)
    }
    const problems = (await verifyTree(task, treeDir)).filter(({ part }) => part.startsWith('unstable'))
    expect(problems).toEqual([])
  })

  test('is never changed: of another commit, or with other packages, it is refused', async () => {
    const { snapshot, project, packagesDir, treeDir, task } = await workshop()
    await snapshot(7)
    const packages = await packagesDir('2.0.1')
    const refusal = (how: RegExp): object => ({ code: 'LAGO_SNAPSHOT_DIFFERS', message: expect.stringMatching(how) })
    const options = {
      ...{ treeDir, projectDir: project.dir, pipeline: 7, release: '2' },
      packages: async () => packages,
    }
    await expect(makeSnapshot(task, { ...options, arePackagesGiven: false })).rejects.toMatchObject(
      refusal(/its packages have the release 1, not 2$/),
    )
    await buildNpmPackage(packages, { version: '2.0.1', files: { 'more.js': '' } })
    await expect(snapshot(7, { packages })).rejects.toMatchObject(refusal(/its npm\/lago-2\.0\.1\.tgz is not/))
    await rm(path.join(packages, 'lago-2.0.1.tgz'))
    await expect(snapshot(7, { packages })).rejects.toMatchObject(
      refusal(/only one of them has npm\/lago-2\.0\.1\.tgz$/),
    )
    project.commit('more')
    await expect(snapshot(7, { packages: packagesOf('2.0.2') })).rejects.toMatchObject(
      refusal(/it is of the commit [0-9a-f]{40}, not of [0-9a-f]{40}$/),
    )
  })

  test('takes an RPM that was built anew for one distribution alone', async () => {
    const { snapshot, packagesDir } = await workshop()
    const packages = await packagesDir('2.0.1')
    await rm(path.join(packages, 'lago-2.0.1-1.fc42.noarch.rpm'))
    await buildRpm(packages, { name: 'lago', version: '2.0.1', release: '1.fc42.1' })
    const dir = await snapshot(7, { packages })
    expect(await readdir(path.join(dir, 'rpm/fc42'))).toContain('lago-2.0.1-1.fc42.1.noarch.rpm')
  })

  test('is signed all through, and found to be the same although signatures never are', async () => {
    const { snapshot, treeDir } = await workshop()
    const key = gpgHome().makeKey('Lago <lago@example.org>')
    const dir = await snapshot(7, { key })
    expect(await snapshot(7, { key })).toBe(dir)
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: dir })
    for (const name of ['SHA256SUMS.asc', 'rpm/el9/repodata/repomd.xml.asc', 'rpm/fc42/repodata/repomd.xml.asc'])
      expect(await readFile(path.join(dir, name), 'utf8')).toContain('BEGIN PGP SIGNATURE')
    const dbpath = path.join(treeDir, '../rpmdb')
    execFileSync('rpmkeys', ['--dbpath', dbpath, '--import', path.join(treeDir, 'lago.asc')])
    for (const name of ['rpm/el9/lago-2.0.1-1.el9.noarch.rpm', 'sources/lago-2.0.1-1.src.rpm'])
      expect(execFileSync('rpmkeys', ['--dbpath', dbpath, '-K', path.join(dir, name)], { encoding: 'utf8' })).toContain(
        'digests signatures OK',
      )
    await expect(snapshot(8)).rejects.toMatchObject({ code: 'LAGO_RELEASE_UNSIGNED' })
  })
})

test('dnf and apt install from latest over HTTP, as its files tell them, and find the next snapshot there', async () => {
  const { snapshot, treeDir, unstableDir, project } = await workshop()
  const { url } = await servers.http(serveDir(treeDir))
  const key = gpgHome().makeKey('Lago <lago@example.org>')
  await snapshot(7, { key, url })
  const text = async (name: string): Promise<string> => readFile(path.join(unstableDir, 'latest', name), 'utf8')
  const homeDir = await makeTempDir() // dnf splits paths at spaces
  const dnf = dnfWith(path.join(homeDir, 'dnf'), await text('lago-fedora.repo'), '42')
  const apt = aptWith(path.join(homeDir, 'apt'), await text('lago.sources'))
  expect(await dnf('install', 'lago')).toMatchObject({ exitCode: 0, text: expect.stringContaining('2.0.1-1.fc42') })
  project.commit('more')
  await snapshot(8, { key, packages: packagesOf('2.0.2') })
  expect(await dnf('upgrade', 'lago')).toMatchObject({ exitCode: 0, text: expect.stringContaining('2.0.2-1.fc42') })
  expect(await apt('update')).toMatchObject({ exitCode: 0 })
  expect(await apt('download', 'lago')).toMatchObject({ exitCode: 0 })
  expect(await readdir(path.join(homeDir, 'apt'))).toContain('lago_2.0.2-1_all.deb')
})

describe('latest', () => {
  test('goes on to newer versions and pipelines, and never back', async () => {
    const { snapshot, project, unstableDir, messages } = await workshop()
    const latest = async (): Promise<string> => readlink(path.join(unstableDir, 'latest'))
    await snapshot(7)
    await snapshot(9)
    expect(await latest()).toBe('snapshot-lago_2.0_pipeline_9')
    await snapshot(8)
    expect(await latest()).toBe('snapshot-lago_2.0_pipeline_9')
    expect(messages('info')).toContainEqual(
      'latest stays at snapshot-lago_2.0_pipeline_9: 2.0.1 of pipeline 9 is newer',
    )
    project.commit('more')
    await snapshot(1, { packages: packagesOf('2.0.2') })
    expect(await latest()).toBe('snapshot-lago_2.0_pipeline_1')
  })

  test('has the lists of the snapshot before for those who have begun to read them, and no older ones', async () => {
    const { snapshot, project, unstableDir, treeDir, packagesDir, task } = await workshop()
    const latest = path.join(unstableDir, 'latest')
    const lists = async (): Promise<readonly string[]> => {
      const repomd = await readFile(path.join(latest, 'rpm/el9/repodata/repomd.xml'), 'utf8')
      const release = await readFile(path.join(latest, 'deb/lago/Release'), 'utf8')
      return [
        ...[...repomd.matchAll(/href="(repodata\/[^"]+\.gz)"/g)].map(([, href = '']) => `rpm/el9/${href}`),
        ...[...release.matchAll(/^ ([0-9a-f]{64}) /gm)].map(([, sum = '']) => `deb/lago/by-hash/SHA256/${sum}`),
      ]
    }
    const missing = async (files: readonly string[]): Promise<readonly string[]> => {
      const found = await Promise.all(files.map(async (file) => pathExists(path.join(latest, file))))
      return files.filter((_, index) => found[index] !== true)
    }
    await snapshot(7)
    const first = await lists()
    expect(first).toHaveLength(5)
    project.commit('more')
    const packages = await packagesDir('2.0.2')
    await rm(path.join(packages, 'lago-2.0.2-1.fc42.noarch.rpm')) // a distribution less
    await snapshot(8, { packages })
    const second = await lists()
    expect(await missing([...first, ...second])).toEqual([])
    project.commit('still more')
    await buildSmallPackages(packages, '2.0.3')
    await snapshot(9, { packages })
    expect(await missing([...second, ...(await lists())])).toEqual([])
    expect(await missing(first)).toEqual(first)
    expect(await verifyTree(task, treeDir)).toEqual([])
  })

  test('that leads to nothing is mended, and told', async () => {
    const { snapshot, unstableDir, messages } = await workshop()
    await mkdir(unstableDir, { recursive: true })
    await writeFile(path.join(unstableDir, '../../tree.json'), '{"format":1}')
    await symlink('snapshot-lago_2.0_pipeline_3', path.join(unstableDir, 'latest'))
    await snapshot(2)
    expect(await readlink(path.join(unstableDir, 'latest'))).toBe('snapshot-lago_2.0_pipeline_2')
    expect(messages('warning')).toEqual([
      expect.stringContaining('signed'),
      expect.stringMatching(/latest led to snapshot-lago_2\.0_pipeline_3, which is no/),
    ])
  })
})

describe('no snapshot is made', () => {
  test.each<[string, string, (workshop: Workshop) => Promise<unknown>]>([
    [
      'of what is not committed',
      'LAGO_DIRTY_TREE',
      async ({ project: { dir } }) => {
        await writeFile(path.join(dir, 'new file'), '')
        await writeFile(path.join(dir, 'CHANGELOG.md'), '')
      },
    ],
    [
      'when nothing is under Unreleased',
      'LAGO_NOTHING_TO_RELEASE',
      async ({ project: { dir, git, commit } }) => {
        await writeFile(
          path.join(dir, 'CHANGELOG.md'),
          '# Changelog\n\n## Unreleased\n\n## 2.0.0 - 2026-01-01\n\n- a: b\n',
        )
        git('add', '.')
        commit('released')
      },
    ],
    [
      'when there is no CHANGELOG.md',
      'LAGO_NOTHING_TO_RELEASE',
      async ({ project: { git, commit } }) => {
        git('rm', '--quiet', 'CHANGELOG.md')
        commit('away')
      },
    ],
    ['of packages of another version', 'LAGO_RELEASE_PACKAGES', async ({ project }) => project.commit('more')],
    [
      'in a directory of other things',
      'LAGO_RELEASE_TREE',
      async ({ treeDir }) => mkdir(path.join(treeDir, 'x'), { recursive: true }),
    ],
  ])('%s', async (_, code, spoil) => {
    const shop = await workshop()
    await spoil(shop)
    await expect(shop.snapshot(7)).rejects.toMatchObject({ code })
    expect(await readdir(shop.treeDir).catch(() => [])).not.toContain('unstable')
  })

  test('of a shallow clone, or of no repository', async () => {
    const { project, snapshot } = await workshop()
    const clone = `${project.dir}.clone`
    project.git('clone', '--quiet', '--depth=1', `file://${project.dir}`, clone)
    await rm(project.dir, { recursive: true })
    await expect(snapshot(7)).rejects.toMatchObject({ code: 'LAGO_NOT_A_REPOSITORY' })
    await cp(clone, project.dir, { recursive: true })
    await expect(snapshot(7)).rejects.toMatchObject({ code: 'LAGO_SHALLOW_CLONE' })
  })

  test('of a partial clone, of which packages are to be built', async () => {
    const { project, treeDir, task } = await workshop()
    const clone = `${project.dir}.clone`
    await writeFile(path.join(project.dir, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n- area: other words\n')
    project.git('commit', '--quiet', '--all', '-m', 'in other words')
    project.git('config', 'uploadpack.allowFilter', 'true')
    project.git('clone', '--quiet', '--filter=blob:none', `file://${project.dir}`, clone)
    await expect(
      makeSnapshot(task, {
        ...{ treeDir, projectDir: clone, pipeline: 7, release: '1', arePackagesGiven: false },
        packages: async () => Promise.reject(new Error('built')),
      }),
    ).rejects.toMatchObject({ code: 'LAGO_PARTIAL_CLONE' })
    expect(await readdir(treeDir).catch(() => [])).toEqual([])
  })

  test('of packages of another release', async () => {
    const { snapshot, packagesDir } = await workshop()
    const refusal = (message: string): object => ({ code: 'LAGO_RELEASE_PACKAGES', message })
    const packages = await packagesDir('2.0.1')
    await expect(snapshot(7, { packages, release: '2' })).rejects.toMatchObject(
      refusal(`${packages}/lago_2.0.1-1_all.deb is not of the release 2`),
    )
    await mkdir(path.join(packages, 'more'))
    for (const name of ['lago-2.0.1-11.el9.noarch.rpm', 'lago-2.0.1-1.2.el9.noarch.rpm', 'lago_2.0.1-10_all.deb']) {
      const file = path.join(packages, 'more', name)
      await writeFile(file, '')
      await expect(snapshot(7, { packages })).rejects.toMatchObject(refusal(`${file} is not of the release 1`))
      await rm(file)
    }
  })

  test('of packages that say another thing of themselves than their names', async () => {
    const { snapshot, packagesDir } = await workshop()
    const [packages, other] = [await packagesDir('2.0.1'), packagesOf('2.0.2')]
    const rpms = ['lago-2.0.1-1.el9.noarch.rpm', 'lago-2.0.1-1.src.rpm'] as const
    for (const name of ['lago_2.0.1-1_all.deb', 'lago-2.0.1.tgz', ...rpms]) {
      const [file, own] = [path.join(packages, name), name.replace('2.0.1', '2.0.2')]
      await cp(path.join(other, own), file)
      const message = `${file} is ${own} by what it says of itself`
      await expect(snapshot(7, { packages })).rejects.toMatchObject({ code: 'LAGO_RELEASE_PACKAGES', message })
      await cp(path.join(packagesOf('2.0.1'), name), file)
    }
    await snapshot(7, { packages })
  })

  test('of packages that are damaged, as copies that were cut short, although lists could be made of them', async () => {
    const { snapshot, packagesDir, treeDir } = await workshop()
    const packages = await packagesDir('2.0.1')
    const names = [
      ...['lago-2.0.1-1.src.rpm', 'lago-2.0.1-1.el9.noarch.rpm'],
      ...['lago_2.0.1-1_all.deb', 'lago-2.0.1.tgz', 'lago-2.0.1.tar.gz'],
    ]
    for (const name of names) {
      const file = path.join(packages, name)
      await truncate(file, (await stat(file)).size - 20)
      await expect(snapshot(7, { packages })).rejects.toMatchObject({
        code: 'LAGO_RELEASE_PACKAGES',
        message: expect.stringMatching(new RegExp(`^${packages}/${name} is damaged: .*[^.]$`)),
        hint: expect.stringMatching(/^build .* anew/),
      })
      await cp(path.join(packagesOf('2.0.1'), name), file)
    }
    for (const name of names) await truncate(path.join(packages, name))
    await expect(snapshot(7, { packages })).rejects.toMatchObject({
      code: 'LAGO_RELEASE_PACKAGES',
      message: expect.stringMatching(/^(.* is damaged: .*; ){4}.* is damaged: .*$/), // all of them are told
    })
    await expect(readdir(treeDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('of what is no package of npm; the scope of one is in its name', async () => {
    const { snapshot, packagesDir } = await workshop()
    const packages = await packagesDir('2.0.1')
    const file = path.join(packages, 'lago-2.0.1.tgz')
    const refusal = (message: string): object => ({ code: 'LAGO_RELEASE_PACKAGES', message })
    await cp(path.join(packages, 'lago-2.0.1.tar.gz'), file)
    await expect(snapshot(7, { packages })).rejects.toMatchObject(
      refusal(`${file} is no package of npm: it has no package/package.json`),
    )
    for (const manifest of ['{}', '{']) {
      await buildNpmPackage(packages, { version: '2.0.1', files: { 'package.json': manifest } })
      await expect(snapshot(7, { packages })).rejects.toMatchObject(
        refusal(`${file} has a package/package.json without name and version`),
      )
    }
    await buildNpmPackage(packages, { name: '@ovirt/lago', version: '2.0.1', file: 'lago-2.0.1.tgz' })
    await expect(snapshot(7, { packages })).rejects.toMatchObject(
      refusal(`${file} is ovirt-lago-2.0.1.tgz by what it says of itself`),
    )
    await rename(file, path.join(packages, 'ovirt-lago-2.0.1.tgz'))
    await snapshot(7, { packages })
  })

  test('of a source tarball without the changelog of the release', async () => {
    const { snapshot, packagesDir, unstableDir } = await workshop()
    const packages = await packagesDir('2.0.1')
    const file = path.join(packages, 'lago-2.0.1.tar.gz')
    await cp(path.join(packages, 'lago-2.0.1.tgz'), file)
    await expect(snapshot(7, { packages })).rejects.toMatchObject({
      code: 'LAGO_RELEASE_PACKAGES',
      message: `${file} has no lago-2.0.1/ChangeLog`,
    })
    expect(await readdir(unstableDir)).toEqual([])
  })

  test('of packages in what is no directory, and no tree is made', async () => {
    const { snapshot, packagesDir, treeDir } = await workshop()
    const packages = await packagesDir('2.0.1')
    const file = path.join(packages, 'lago-2.0.1.tgz')
    const told = {
      [`there is no directory ${packages}/nope`]: 'nope',
      [`${file} is no directory`]: path.basename(file),
    }
    for (const [message, name] of Object.entries(told))
      await expect(snapshot(7, { packages: path.join(packages, name) })).rejects.toMatchObject({
        code: 'LAGO_RELEASE_PACKAGES',
        message,
        hint: 'name the directory that the packages were built into',
      })
    await expect(readdir(treeDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('of a package with a line break in its name, which no list could have', async () => {
    const { snapshot, packagesDir } = await workshop()
    const packages = await packagesDir('2.0.1')
    await rename(path.join(packages, 'lago-2.0.1.tgz'), path.join(packages, 'a\nlago-2.0.1.tgz'))
    await expect(snapshot(7, { packages })).rejects.toMatchObject({
      code: 'LAGO_RELEASE_PACKAGES',
      message: `the name "a\\nlago-2.0.1.tgz" in ${packages} has control characters in it`,
    })
  })

  test('of no packages, of RPMs for nothing, of two with one name', async () => {
    const { snapshot, packagesDir } = await workshop()
    const refusal = (found: RegExp): object => ({
      code: 'LAGO_RELEASE_PACKAGES',
      message: expect.stringMatching(found),
    })
    const packages = await packagesDir('2.0.1')
    await mkdir(path.join(packages, 'deeper'))
    await cp(path.join(packages, 'lago-2.0.1.tgz'), path.join(packages, 'deeper/lago-2.0.1.tgz'))
    await expect(snapshot(7, { packages })).rejects.toMatchObject(refusal(/have one name$/))
    await rm(packages, { recursive: true })
    await mkdir(packages)
    await expect(snapshot(7, { packages })).rejects.toMatchObject(refusal(/there are no packages in/))
    await writeFile(path.join(packages, 'lago-2.0.1-1.noarch.rpm'), '')
    await expect(snapshot(7, { packages })).rejects.toMatchObject(refusal(/names no distribution$/))
  })

  test('without a key where there are signatures, even when the public keys were lost', async () => {
    const { snapshot, treeDir } = await workshop()
    await snapshot(7, { key: gpgHome().makeKey('Lago <lago@example.org>') })
    await rm(path.join(treeDir, 'lago.asc'))
    await expect(snapshot(8)).rejects.toMatchObject({ code: 'LAGO_RELEASE_UNSIGNED' })
  })

  test('where latest is no link, as after a copy by a program that knows none', async () => {
    const { snapshot, unstableDir } = await workshop()
    await snapshot(7)
    await rm(path.join(unstableDir, 'latest'))
    await mkdir(path.join(unstableDir, 'latest'))
    await expect(snapshot(8)).rejects.toMatchObject({
      code: 'LAGO_RELEASE_TREE',
      message: `${unstableDir}/latest is no symbolic link`,
    })
    expect(await readdir(unstableDir)).toEqual(['latest', 'snapshot-lago_2.0_pipeline_7'])
  })

  test('with a key that is not there, and nothing is begun', async () => {
    const { snapshot, treeDir } = await workshop()
    await expect(snapshot(7, { key: 'nobody' })).rejects.toMatchObject({ code: 'LAGO_SIGNING_KEY' })
    await expect(readdir(treeDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  asRoot('on a full disk, wherever it fills up, and nothing half is left', async () => {
    const { snapshot, treeDir, unstableDir } = await workshop()
    await mkdir(treeDir, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', treeDir])
    mounted.push(treeDir)
    let failures = 0
    for (let sizeKiB = 8; ; sizeKiB += 4) {
      execFileSync('mount', ['-o', `remount,size=${sizeKiB}k`, treeDir])
      const error: unknown = await snapshot(7).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (error === undefined) break
      failures += 1
      expect(error).toMatchObject({
        code: 'LAGO_NO_SPACE',
        message: `the disk of the tree ${treeDir} is full`,
        hint: expect.stringContaining('scripts/release prune'),
      })
      expect(await readdir(unstableDir)).toEqual([])
    }
    expect(failures).toBeGreaterThan(10)
    expect(await readdir(unstableDir)).toEqual(['latest', 'snapshot-lago_2.0_pipeline_7'])
  })
})

describe('scripts/release snapshot', () => {
  test('prints where the snapshot is, and takes relative paths', async () => {
    const { project, treeDir, packagesDir } = await workshop()
    await packagesDir('2.0.1')
    const args = ['snapshot', '../tree', '--pipeline', '7', '--packages', '../packages-2.0.1']
    expect(await runRelease(args, { cwd: project.dir })).toMatchObject({
      exitCode: 0,
      stdout: `${path.join(treeDir, 'unstable/2.0/snapshot-lago_2.0_pipeline_7')}\n`,
    })
    expect(await runRelease(args, { cwd: project.dir, env: { LAGO_RELEASE_KEY: 'nobody' } })).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('[LAGO_SIGNING_KEY]'),
    })
  })

  test.each<[string, readonly string[], Record<string, string>]>([
    ['--pipeline takes a whole number, not "x"', ['snapshot', '../tree', '--pipeline', 'x'], {}],
    ['--pipeline takes a whole number, not "0x10"', ['snapshot', '../tree', '--pipeline', '0x10'], {}],
    ['--release takes a number from 1 on, not "0"', ['snapshot', '../tree', '--pipeline', '7', '--release', '0'], {}],
    [
      '--release takes a whole number, not "1.el9"',
      ['snapshot', '../tree', '--pipeline', '7', '--release', '1.el9'],
      {},
    ],
    ['a value is missing behind --dist', ['snapshot', '../tree', '--pipeline', '7', '--dist'], {}],
    ['"pipeline" is empty', ['snapshot', '../tree', '--pipeline', ''], {}],
    ['"key" is empty', ['snapshot', '../tree', '--pipeline', '7', '--key', ''], {}],
    ['"tree" is empty', ['prune', '', '--yes'], {}],
    ['"after-days" is empty', ['promote', '../tree', '--after-days='], {}],
    ['usage: scripts/release snapshot <tree>\nmissing option: pipeline', ['snapshot', '../tree'], {}],
    ['usage: scripts/release <command>\nunknown verb; did you mean "snapshot"?', ['snapshto', '../tree'], {}],
    ['LAGO_RELEASE_KEY is empty', ['snapshot', '../tree', '--pipeline', '7'], { LAGO_RELEASE_KEY: '' }],
  ])('says that %s, and does nothing', async (message, args, env) => {
    const { project, treeDir } = await workshop()
    expect(await runRelease(args, { cwd: project.dir, env })).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(`${message} [LAGO_USAGE]`),
    })
    await expect(readdir(treeDir)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  /** As a user with this umask would call it; `args` behind the tree. */
  const released = ({ treeDir }: Workshop, umask: string, verb: string, ...args: readonly string[]): void =>
    void execFileSync(
      'sh',
      ['-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, RELEASE_PROGRAM, verb, treeDir, ...args],
      { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] },
    )
  const snapshotBy = async (shop: Workshop, umask: string, pipeline: number): Promise<void> => {
    const from = ['--project', shop.project.dir, '--packages', packagesOf('2.0.1')]
    released(shop, umask, 'snapshot', '--pipeline', String(pipeline), ...from)
  }
  const dirModesBelow = async (treeDir: string): Promise<readonly number[]> => {
    const dirs = (await entriesBelow(treeDir)).filter((entry) => entry.isDirectory())
    const modes = dirs.map(async ({ parentPath, name }) => (await stat(path.join(parentPath, name))).mode & 0o7777)
    return [...new Set(await Promise.all(modes))]
  }

  test('makes what everybody can read, whatever the umask, and nobody else change', async () => {
    for (const umask of ['077', '022', '000']) {
      const shop = await workshop()
      await snapshotBy(shop, umask, 7)
      const mode = umask === '000' ? 0o775 : 0o755
      expect((await stat(shop.treeDir)).mode & 0o7777).toBe(mode)
      expect(await dirModesBelow(shop.treeDir)).toEqual([mode])
      expect(await verifyTree(shop.task, shop.treeDir)).toEqual([])
    }
  })

  test('makes what its group can change, whatever the umask, where the tree is shared by its setgid bit', async () => {
    const shop = await workshop()
    const { treeDir, task } = shop
    await mkdir(treeDir, { recursive: true })
    await chmod(treeDir, 0o2775)
    await snapshotBy(shop, '022', 7)
    expect(await dirModesBelow(treeDir)).toEqual([0o2775])
    released(shop, '077', 'promote', '--reason', 'a test')
    await snapshotBy(shop, '002', 8)
    released(shop, '022', 'prune', '--keep', '1', '--promoted', '--yes')
    expect(await dirModesBelow(treeDir)).toEqual([0o2775])
    expect(await verifyTree(task, treeDir)).toEqual([])
  })

  test('that was killed leaves nothing that the next one does not clear', async () => {
    const { project, snapshot, treeDir, unstableDir, task } = await workshop()
    await snapshot(6)
    const key = gpgHome().makeKey('Lago <lago@example.org>')
    // held by us until it is to be killed: at its beginning, and as soon as something half is there
    for (const isHalf of [false, true]) {
      const child = execFile(
        process.execPath,
        [
          ...[RELEASE_PROGRAM, 'snapshot', treeDir, '--project', project.dir, '--pipeline', '7', '--key', key],
          ...['--packages', packagesOf('2.0.1')],
        ],
        { env: { ...process.env, TMPDIR: path.dirname(treeDir) } }, // where a dpkg-deb leaves what it was at
      )
      const ended = new Promise((resolve) => child.once('exit', resolve))
      if (isHalf) await appeared(unstableDir, '.unfinished-snapshot-lago_2.0_pipeline_7')
      child.kill('SIGKILL')
      await ended
      expect((await readdir(unstableDir)).filter((name) => !name.startsWith('.'))).toEqual([
        'latest',
        'snapshot-lago_2.0_pipeline_6',
      ])
    }
    await withTree(task, treeDir, async () => undefined)
    expect(await readdir(unstableDir)).toEqual(['latest', 'snapshot-lago_2.0_pipeline_6'])
    await snapshot(7, { key })
    expect(await readlink(path.join(unstableDir, 'latest'))).toBe('snapshot-lago_2.0_pipeline_7')
  })

  test('that is killed takes the program that signs with it', async () => {
    const { project, treeDir, task } = await workshop()
    const [pidPath, binDir] = [path.join(project.dir, '../pid'), path.join(project.dir, '../bin')]
    await mkdir(binDir)
    const script = `#!/bin/sh\necho $$ > '${pidPath}'\nexec sleep 1000\n`
    await writeFile(path.join(binDir, 'rpmsign'), script, { mode: 0o755 })
    const key = gpgHome().makeKey('Lago <lago@example.org>')
    const child = execFile(
      process.execPath,
      [
        ...[RELEASE_PROGRAM, 'snapshot', treeDir, '--project', project.dir, '--pipeline', '7', '--key', key],
        ...['--packages', packagesOf('2.0.1')],
      ],
      { env: { ...process.env, PATH: `${binDir}:${process.env['PATH']}` } },
    )
    const pid = await eventually('pid of rpmsign', async () => {
      const text = await readFile(pidPath, 'utf8').catch(() => '')
      return text.endsWith('\n') ? text.trim() : undefined
    })
    child.kill('SIGKILL')
    await gone(task, pid)
  })

  async function appeared(dir: string, name: string): Promise<void> {
    await eventually(name, async () => (await readdir(dir)).find((found) => found === name))
  }

  async function eventually(what: string, find: () => Promise<string | undefined>): Promise<string> {
    const look = async (): Promise<Probe<string>> => {
      const value = await find()
      return value === undefined ? { notYet: 'not there' } : { value }
    }
    return waitUntil(recordedTask().task, what, look, { timeoutMs: 60_000, everyMs: 1 })
  }
})
