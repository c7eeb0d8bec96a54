/** `scripts/release verify` and `prune`. */
import {
  appendFile,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { addFiles, packageFilesIn } from '../../scripts/releasing/package-files.js'
import { refreshIndexes } from '../../scripts/releasing/indexes.js'
import { writeReleases } from '../../scripts/releasing/release-info.js'
import { writeAllRepoFiles, writeRepoFiles } from '../../scripts/releasing/repo-files.js'
import { findSigningKey, signRpms } from '../../scripts/releasing/sign.js'
import { makeSnapshot } from '../../scripts/releasing/snapshot.js'
import { readSnapshot } from '../../scripts/releasing/snapshot-info.js'
import { writeSums } from '../../scripts/releasing/sums.js'
import { withTree } from '../../scripts/releasing/tree.js'
import type { ReleaseInfo } from '../../scripts/releasing/types.js'
import { verifyTree } from '../../scripts/releasing/verify.js'
import { buildSmallPackages, makeGitProject } from '../helpers/git-project.js'
import { useGpgHome } from '../helpers/gpg-key.js'
import { buildNpmPackage } from '../helpers/npm-package.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { runRelease } from '../helpers/release-program.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const gpgHome = useGpgHome()
const { task } = recordedTask()

const URL_OF_TREE = 'https://lago.example.org/lago'
const SNAPSHOT = 'unstable/2.0/snapshot-lago_2.0_pipeline_7'
const EL9_RPM = 'rpm/el9/lago-2.0.1-1.el9.noarch.rpm'

let workDir: string
beforeAll(async () => {
  workDir = await mkdtemp(path.join(os.tmpdir(), 'lago-test-built-'))
  await buildSmallPackages(path.join(workDir, 'packages'), '2.0.1')
  await makeGitProject(path.join(workDir, 'project'))
})
afterAll(async () => rm(workDir, { recursive: true, force: true }))

/** With a snapshot for each pipeline. */
async function treeWith(pipelines: readonly number[], { key }: { readonly key?: string } = {}): Promise<string> {
  const treeDir = path.join(await makeTempDir(), 'tree')
  for (const pipeline of pipelines) await addSnapshot(treeDir, pipeline, key)
  return treeDir
}

async function addSnapshot(treeDir: string, pipeline: number, key: string | undefined): Promise<void> {
  const [projectDir, packagesDir] = [path.join(workDir, 'project'), path.join(workDir, 'packages')]
  const options = { treeDir, projectDir, pipeline, release: '1', keyName: key, url: URL_OF_TREE }
  await makeSnapshot(task, { ...options, packages: async () => packagesDir, arePackagesGiven: true })
}

/** As a promotion does it. */
async function promote(treeDir: string, keyName?: string): Promise<void> {
  const [from, dir] = [path.join(treeDir, SNAPSHOT), path.join(treeDir, 'stable/2.0')]
  const key = keyName === undefined ? undefined : await findSigningKey(task, keyName)
  const { version, release, commit, notes, isSigned, files } = await readSnapshot(from)
  await addFiles(task, from, dir, files)
  await cp(path.join(from, 'ChangeLog'), path.join(dir, 'ChangeLog_2.0.txt'))
  await refreshIndexes(task, dir, { key })
  await writeRepoFiles(treeDir, { dir, part: 'stable/2.0', isSigned })
  const promotedAt = new Date().toISOString()
  const snapshot = path.basename(SNAPSHOT)
  const entry = { version, release, commit, snapshot, promotedAt, reasons: ['test'], notes, isSigned, files }
  await writeReleases(treeDir, 2, { format: 1, releases: [entry] })
  await writeSums(task, dir, key)
}

describe('verify', () => {
  test('finds nothing in a tree that is as it should be, signed or not', async () => {
    const unsigned = await treeWith([7])
    await promote(unsigned)
    expect(await verifyTree(task, unsigned)).toEqual([])
    const key = gpgHome().makeKey('Lago <lago@example.org>')
    const signed = await treeWith([7, 8], { key })
    await promote(signed, key)
    expect(await verifyTree(task, signed)).toEqual([])
    expect(await runRelease(['verify', signed, '-f', 'json'])).toMatchObject({ exitCode: 0, stdout: '[]\n' })
    await addSnapshot(unsigned, 8, key)
    for (const [part, checks] of Object.entries({ 'stable/2.0': 0, 'unstable/2.0/latest': 1 }))
      expect(await readFile(path.join(unsigned, part, 'lago-el.repo'), 'utf8')).toContain(`\ngpgcheck=${checks}\n`)
    expect(await runRelease(['verify', unsigned])).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/stable\/2\.0 is not signed: it is older than the key/),
    })
  })

  type Spoil = [string, RegExp, (treeDir: string) => Promise<unknown>]

  /** All in one tree. */
  const spoils: Spoil[] = [
    [
      'a package that was changed',
      /noarch\.rpm has the SHA-256/,
      async (tree) => appendFile(path.join(tree, SNAPSHOT, EL9_RPM), 'x'),
    ],
    [
      'a package that is missing',
      /lago-2\.0\.1\.tgz is missing$/,
      async (tree) => rm(path.join(tree, SNAPSHOT, 'npm/lago-2.0.1.tgz')),
    ],
    [
      'a package that nobody put there',
      /npm\/other-1\.tgz does not belong/,
      async (tree) => writeFile(path.join(tree, SNAPSHOT, 'npm/other-1.tgz'), ''),
    ],
    [
      'a file of others',
      /tree\/letter does not belong there$/,
      async (tree) => writeFile(path.join(tree, 'letter'), ''),
    ],
    [
      'what a killed run has left',
      /\.unfinished-x does not belong there$/,
      async (tree) => mkdir(path.join(tree, 'unstable/2.0/.unfinished-x')),
    ],
    [
      'a changelog that was changed',
      /SHA256SUMS does not have the checksums/,
      async (tree) => appendFile(path.join(tree, SNAPSHOT, 'ChangeLog'), 'x'),
    ],
    [
      'checksums that nobody signed',
      /SHA256SUMS\.asc is missing$/,
      async (tree) => rm(path.join(tree, SNAPSHOT, 'SHA256SUMS.asc')),
    ],
    [
      'no list for dnf',
      /it has no repodata\/repomd\.xml$/,
      async (tree) => rm(path.join(tree, SNAPSHOT, 'rpm/el9/repodata')),
    ],
    [
      'a list for apt that is of something else',
      /Packages is not the list/,
      async (tree) => appendFile(path.join(tree, SNAPSHOT, 'deb/lago/Packages'), 'Package: x\n'),
    ],
    [
      'a signature of a list that does not hold',
      /the signature .*InRelease is not one/,
      async (tree) => edit(path.join(tree, SNAPSHOT, 'deb/lago/InRelease'), 'Label: Lago', 'Label: Lagoo'),
    ],
    [
      'a .repo file that is not true',
      /lago-el\.repo is not what the tree makes of it$/,
      async (tree) => edit(path.join(tree, SNAPSHOT, 'lago-el.repo'), 'gpgcheck=1', 'gpgcheck=0'),
    ],
    [
      'latest that leads to nothing',
      /latest leads to nowhere, which is no snapshot$/,
      async (tree) => replaceLatest(tree, 'nowhere'),
    ],
    [
      'a place of no X',
      /stable\/03\.0 does not belong there$/,
      async (tree) => mkdir(path.join(tree, 'stable/03.0'), { recursive: true }),
    ],
    [
      'a file that nobody else can read',
      /lago-fedora\.repo cannot be read by everybody$/,
      async (tree) => chmod(path.join(tree, SNAPSHOT, 'lago-fedora.repo'), 0o600),
    ],
    ['a tree that nobody else can enter', /tree cannot be read by everybody$/, async (tree) => chmod(tree, 0o700)],
    [
      'a directory that nobody else can enter',
      /sources cannot be read by everybody$/,
      async (tree) => chmod(path.join(tree, SNAPSHOT, 'sources'), 0o700),
    ],
    [
      'what is no package beside those that are',
      /rpm\/fc42\/a\.rpm has no signature/,
      async (tree) => writeFile(path.join(tree, SNAPSHOT, 'rpm/fc42/a.rpm'), ''),
    ],
    [
      'notes on announcements that are none',
      /announced\.json cannot be understood$/,
      async (tree) => {
        await mkdir(path.join(tree, 'stable/2.0'), { recursive: true })
        await writeFile(path.join(tree, 'stable/2.0/announced.json'), '{')
      },
    ],
    [
      'stable without its records',
      /ChangeLog_2\.0\.txt is missing$/,
      async (tree) => mkdir(path.join(tree, 'stable/2.0'), { recursive: true }),
    ],
  ]

  const spoilsOfRecords: Spoil[] = [
    ['no list for apt', /lago has no Packages$/, async (tree) => rm(path.join(tree, SNAPSHOT, 'deb/lago'))],
    [
      'a list of files that is another one',
      /-filelists\.xml\.gz is not what repomd\.xml says of it$/,
      async (tree) => {
        const dir = path.join(tree, SNAPSHOT, 'rpm/el9/repodata')
        const name = (await readdir(dir)).find((one) => one.endsWith('-filelists.xml.gz'))
        await appendFile(path.join(dir, name ?? ''), 'x')
      },
    ],
    [
      'a package that leads out of the tree',
      /lago-2\.0\.1\.tar\.gz is no regular file$/,
      async (tree) => {
        const file = path.join(tree, SNAPSHOT, 'sources/lago-2.0.1.tar.gz')
        await rename(file, path.join(tree, '../moved'))
        await symlink('../../../../../moved', file)
      },
    ],
    [
      'a directory in the place of a package',
      /lago-2\.0\.1\.tgz is no regular file$/,
      async (tree) => {
        await rm(path.join(tree, SNAPSHOT, 'npm/lago-2.0.1.tgz'))
        await mkdir(path.join(tree, SNAPSHOT, 'npm/lago-2.0.1.tgz'))
      },
    ],
    [
      'a changelog that is missing',
      /ChangeLog is missing$/,
      async (tree) => rm(path.join(tree, SNAPSHOT, 'ChangeLog')),
    ],
    [
      'checksums that are missing',
      /SHA256SUMS is missing$/,
      async (tree) => rm(path.join(tree, SNAPSHOT, 'SHA256SUMS')),
    ],
  ]
  const spoilsOfSignatures: Spoil[] = [
    [
      'a signature with something behind it',
      /the signature .*SHA256SUMS\.asc has something beside it$/,
      async (tree) => appendFile(path.join(tree, SNAPSHOT, 'SHA256SUMS.asc'), 'x\n'),
    ],
    [
      'a signed list with something behind it',
      /InRelease is not Release with a signature around it$/,
      async (tree) => appendFile(path.join(tree, SNAPSHOT, 'deb/lago/InRelease'), '\n'),
    ],
  ]
  const spoilsOfLists: Spoil[] = [
    [
      'a page beside the lists of dnf',
      /repodata\/evil\.html does not belong there$/,
      async (tree) => writeFile(path.join(tree, SNAPSHOT, 'rpm/el9/repodata/evil.html'), ''),
    ],
    [
      'a list of apt that is not of its own checksum',
      /by-hash\/SHA256\/a{64} does not belong there$/,
      async (tree) => writeFile(path.join(tree, SNAPSHOT, 'deb/lago/by-hash/SHA256', 'a'.repeat(64)), ''),
    ],
    [
      'lists that are not in use',
      /deb\/\.lago-99 does not belong there$/,
      async (tree) => mkdir(path.join(tree, SNAPSHOT, 'deb/.lago-99')),
    ],
  ]
  const spoilsOfNames: Spoil[] = [
    [
      'a snapshot of another name',
      /is of another version or pipeline: 2\.0\.1 of 7$/,
      async (tree) => rename(path.join(tree, SNAPSHOT), path.join(tree, SNAPSHOT.replace(/7$/, '70'))),
    ],
    ['no latest', /latest is missing$/, async (tree) => rm(path.join(tree, 'unstable/2.0/latest'))],
    [
      'a Debian package that is none',
      /deb has what is no Debian package: dpkg-deb --field \S*lago_2\.0\.1-1_all\.deb/,
      async (tree) => truncate(path.join(tree, SNAPSHOT.replace(/7$/, '70'), 'deb/lago_2.0.1-1_all.deb')),
    ],
    [
      'no keys for the signatures that are there',
      /lago\.asc is missing, and there are signatures: .*SHA256SUMS\.asc$/,
      async (tree) => rm(path.join(tree, 'lago.asc')),
    ],
  ]
  const spoilsOfKinds: Spoil[] = [
    [
      'a package behind a link that nobody else can read',
      /stable\/7\.0\/npm\/x\.tgz cannot be read by everybody$/,
      async (tree) => {
        await mkdir(path.join(tree, '../disk/7.0/npm'), { recursive: true })
        await writeFile(path.join(tree, '../disk/7.0/npm/x.tgz'), '', { mode: 0o600 })
        await rm(path.join(tree, 'stable'), { recursive: true, force: true })
        await symlink('../disk', path.join(tree, 'stable'))
      },
    ],
    [
      'latest that is no link',
      /latest is no symbolic link$/,
      async (tree) => {
        await rm(path.join(tree, 'unstable/2.0/latest'))
        await mkdir(path.join(tree, 'unstable/2.0/latest'))
      },
    ],
    [
      'keys that are none',
      /lago\.asc holds no public keys, or not them alone$/,
      async (tree) => {
        await rm(path.join(tree, 'lago.asc'))
        await mkdir(path.join(tree, 'lago.asc'))
      },
    ],
    [
      'a directory in the place of a changelog',
      /pipeline_7 cannot be read: /,
      async (tree) => {
        await rm(path.join(tree, SNAPSHOT, 'ChangeLog'))
        await mkdir(path.join(tree, SNAPSHOT, 'ChangeLog'))
      },
    ],
  ]

  test('lets others work while it finds nothing, and waits for them before it tells what it found', async () => {
    const treeDir = await treeWith([7])
    const strayPath = path.join(treeDir, 'letter')
    const recorded = recordedTask()
    const verified = await withTree(task, treeDir, async () => {
      expect(await verifyTree(task, treeDir)).toEqual([])
      await writeFile(strayPath, '')
      const verifying = verifyTree(recorded.task, treeDir)
      await recorded.message(/^waiting for the tree /)
      await rm(strayPath)
      return { verifying }
    })
    expect(await verified.verifying).toEqual([])
  })

  test('finds whatever is wrong', async () => {
    const key = gpgHome().makeKey('Lago <lago@example.org>')
    const good = await treeWith([7], { key })
    for (const group of [spoils, spoilsOfRecords, spoilsOfSignatures, spoilsOfLists, spoilsOfNames, spoilsOfKinds]) {
      const treeDir = path.join(await makeTempDir(), 'tree')
      await cp(good, treeDir, { recursive: true, verbatimSymlinks: true })
      for (const [, , spoil] of group) await spoil(treeDir)
      const problems = (await verifyTree(task, treeDir)).map(({ problem }) => problem)
      for (const [what, found] of group)
        expect({ what, problems }).toEqual({ what, problems: expect.arrayContaining([expect.stringMatching(found)]) })
      expect(problems.filter((problem) => /fc42\/lago.*has no signature/.test(problem))).toEqual([]) // a neighbour
    }
  })

  test('finds packages that were damaged, or others than their names say, before their checksums were made', async () => {
    const treeDir = await treeWith([7])
    const dir = path.join(treeDir, SNAPSHOT)
    const names = ['deb/lago_2.0.1-1_all.deb', 'sources/lago-2.0.1-1.src.rpm', 'sources/lago-2.0.1.tar.gz']
    for (const name of names) await truncate(path.join(dir, name), (await stat(path.join(dir, name))).size - 20)
    await buildNpmPackage(path.join(dir, 'npm'), { version: '2.0.7', file: 'lago-2.0.1.tgz' })
    const info = { ...(await readSnapshot(dir)), files: await packageFilesIn(task, dir) }
    await writeFile(path.join(dir, 'snapshot.json'), JSON.stringify(info))
    await refreshIndexes(task, dir, { key: undefined })
    await writeSums(task, dir, undefined)
    const problems = (await verifyTree(task, treeDir)).map(({ problem }) => problem)
    expect(problems).toHaveLength(4)
    for (const name of names)
      expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${dir}/${name} is damaged: .*$`)))
    expect(problems).toContain(`${dir}/npm/lago-2.0.1.tgz is lago-2.0.7.tgz by what it says of itself`)
  })

  test('finds a snapshot that says nothing of itself', async () => {
    const treeDir = await treeWith([7])
    await writeFile(path.join(treeDir, SNAPSHOT, 'snapshot.json'), '{}')
    const problem = path.join(treeDir, SNAPSHOT, 'snapshot.json') + ' cannot be understood'
    expect(await verifyTree(task, treeDir)).toEqual([{ part: SNAPSHOT, problem }])
  })

  const untruths: readonly [object, RegExp][] = [
    [{ reasons: ['another'] }, /SHA256SUMS does not have the checksums/],
    [{ version: '9.9.9' }, /release\.json has 9\.9\.9, which does not belong there$/],
    [{ version: '2.0.2' }, /release\.json has deb\/lago_2\.0\.1-1_all\.deb as of 2\.0\.2$/],
    [
      { commit: '0'.repeat(40) },
      /release\.json has for 2\.0\.1 another value of "commit" than snapshot-lago_2\.0_pipeline_7$/,
    ],
    [{ files: [] }, /release\.json has for 2\.0\.1 another value of "files" than snapshot-lago_2\.0_pipeline_7$/],
    [{ snapshot: '../../x' }, /release\.json has "\.\.\/\.\.\/x" as the snapshot of 2\.0\.1, which is none of 2\.0$/],
    [{ promotedAt: '2999-01-01T00:00:00.000Z' }, /release\.json has 2\.0\.1 as promoted at 2999-01-01T00:00:00\.000Z$/],
    [{ commit: 'none' }, /release\.json cannot be understood$/],
    [{ files: [{ path: '../x', sizeBytes: 0, sha256: '0'.repeat(64) }] }, /release\.json cannot be understood$/],
  ]

  test('finds a release that is not what there is', async () => {
    const treeDir = await treeWith([7])
    await promote(treeDir)
    const before = await readFile(path.join(treeDir, 'stable/2.0/release.json'), 'utf8')
    const { releases } = JSON.parse(before) as ReleaseInfo // as it was written
    const spoiled = async (changed: readonly object[]): Promise<readonly string[]> => {
      const text = `${JSON.stringify({ format: 1, releases: changed }, undefined, 2)}\n`
      await writeFile(path.join(treeDir, 'stable/2.0/release.json'), text)
      return (await verifyTree(task, treeDir)).map(({ problem }) => problem)
    }
    for (const [untruth, found] of untruths)
      expect({ untruth, problems: await spoiled([{ ...releases[0], ...untruth }]) }).toEqual({
        untruth,
        problems: expect.arrayContaining([expect.stringMatching(found)]),
      })
    expect(await spoiled([...releases, ...releases])).toContainEqual(
      expect.stringMatching(/release\.json has 2\.0\.1 twice$/),
    )
    expect(await spoiled(releases)).toEqual([])
  })

  test('finds a package that another key has signed, and tells it with exit code 1', async () => {
    const key = gpgHome().makeKey('Lago <lago@example.org>')
    const treeDir = await treeWith([7], { key })
    await signRpms(task, await findSigningKey(task, gpgHome().makeKey('Else <else@example.org>')), [
      path.join(treeDir, SNAPSHOT, EL9_RPM),
    ])
    const run = await runRelease(['verify', treeDir])
    expect(run).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/el9\.noarch\.rpm has no signature of .*lago\.asc that holds\n/),
    })
    const findings = JSON.parse((await runRelease(['verify', treeDir, '-f', 'json'])).stdout) as unknown[]
    expect(findings).toContainEqual({
      part: SNAPSHOT,
      problem: expect.stringMatching(/el9 has another checksum|repodata has another checksum/),
    })
    expect(await runRelease(['verify', workDir])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('[LAGO_RELEASE_TREE]'),
    })
  })

  test('finds signatures of keys that ended or were revoked, which no user believes, and tells of ends to come', async () => {
    const home = gpgHome()
    const key = home.makeKey('Lago <lago@example.org>', { args: ['--faked-system-time', daysAgo(3)] })
    const treeDir = await treeWith([7], { key })
    const isOfKey = async (how: string): Promise<void> => {
      await writeFile(path.join(treeDir, 'lago.asc'), home.gpg('--armor', '--export', key))
      await writeAllRepoFiles(treeDir)
      const names = ['SHA256SUMS.asc', 'rpm/el9/repodata/repomd.xml.asc', 'deb/lago/InRelease', 'deb/lago/Release.gpg']
      const problems = (await verifyTree(task, treeDir)).map(({ problem }) => problem)
      for (const name of names)
        expect(problems).toContain(`the signature ${path.join(treeDir, SNAPSHOT, name)} is of a key that ${how}`)
    }
    home.gpg('--faked-system-time', daysAgo(2), '--quick-set-expire', key, '1d')
    await isOfKey('has expired')
    home.gpg('--quick-set-expire', key, '29d')
    await writeFile(path.join(treeDir, 'lago.asc'), home.gpg('--armor', '--export', key))
    await writeAllRepoFiles(treeDir)
    expect(await runRelease(['verify', treeDir])).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(new RegExp(`lago\\.asc: the key ${key} ends on 20\\d\\d-\\d\\d-\\d\\d`)),
    })
    home.revoke(key)
    await isOfKey('was revoked')
  })

  /** As gpg takes it. */
  function daysAgo(days: number): string {
    const iso = new Date(Date.now() - days * 24 * 60 * 60 * 1000).toISOString()
    return iso.slice(0, 19).replace(/[-:]/g, '')
  }

  async function edit(file: string, from: string, to: string): Promise<void> {
    const text = await readFile(file, 'utf8')
    expect(text).toContain(from)
    await writeFile(file, text.replace(from, to))
  }

  async function replaceLatest(treeDir: string, target: string): Promise<void> {
    await rm(path.join(treeDir, 'unstable/2.0/latest'))
    await symlink(target, path.join(treeDir, 'unstable/2.0/latest'))
  }
})

describe('prune', () => {
  const snapshotsIn = async (treeDir: string): Promise<readonly string[]> =>
    (await readdir(path.join(treeDir, 'unstable/2.0'))).flatMap((name) => /_pipeline_(\d+)$/.exec(name)?.[1] ?? [])

  test('deletes all but the newest, what latest leads to, and what was released last', async () => {
    const treeDir = await treeWith([7, 8, 9, 10, 11])
    await promote(treeDir)
    await rm(path.join(treeDir, 'unstable/2.0/latest'))
    await symlink('snapshot-lago_2.0_pipeline_8', path.join(treeDir, 'unstable/2.0/latest'))
    const asked = await runRelease(['prune', treeDir, '--keep', '1'], { input: 'n\n' })
    expect(asked.stderr).toMatch(
      /pipeline_9  2\.0\.1  20\d\d-\d\d-\d\d  \d+\.\d MiB\n.*pipeline_10 .*\nDelete these 2 snapshots\? \[Yn\]/,
    )
    expect(asked).toMatchObject({ exitCode: 0, stdout: '' })
    expect(await runRelease(['prune', treeDir, '--keep', '1'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('[LAGO_CONFIRM_REQUIRED]'),
    })
    expect(await snapshotsIn(treeDir)).toHaveLength(5)
    await runRelease(['prune', treeDir, '--keep', '1', '--older-than', '1', '--yes'])
    expect(await snapshotsIn(treeDir)).toHaveLength(5)
    const pruned = await runRelease(['prune', treeDir, '--keep', '1', '--yes'])
    expect(pruned).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/pipeline_9\n.*pipeline_10\n$/) })
    expect(await snapshotsIn(treeDir)).toEqual(['11', '7', '8'])
    await runRelease(['prune', treeDir, '--keep', '1', '--promoted', '--yes'])
    expect(await snapshotsIn(treeDir)).toEqual(['11', '8'])
    expect(await verifyTree(task, treeDir)).toEqual([])
    expect(await runRelease(['prune', treeDir, '--keep', '0'])).toMatchObject({ exitCode: 2 })
  })

  test('leaves the snapshot that a promotion which was ended has to be finished with', async () => {
    const treeDir = await treeWith([7, 8])
    await promote(treeDir)
    await rm(path.join(treeDir, 'stable/2.0/release.json'))
    expect(await runRelease(['prune', treeDir, '--keep', '1', '--promoted', '--yes'])).toMatchObject({ stdout: '' })
    expect(await snapshotsIn(treeDir)).toEqual(['7', '8'])
  })

  test('leaves what does not say what it is, tells it, and deletes the rest', async () => {
    const treeDir = await treeWith([7, 8, 9])
    await writeFile(path.join(treeDir, 'unstable/2.0/snapshot-lago_2.0_pipeline_7/snapshot.json'), '{')
    const pruned = await runRelease(['prune', treeDir, '--keep', '1', '--yes'])
    expect(pruned).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/pipeline_8\n$/),
      stderr: expect.stringMatching(/pipeline_7\/snapshot\.json cannot be understood: remove .*pipeline_7 by hand/),
    })
    expect(await snapshotsIn(treeDir)).toEqual(['7', '9'])
  })
})
