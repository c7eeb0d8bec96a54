/** Promotion of snapshots with real packages, in trees on disk. */
import { execFile, execFileSync } from 'node:child_process'
import { cp, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { promote, type Promotion, type PromoteOptions } from '../../scripts/releasing/promote.js'
import { writeAllRepoFiles } from '../../scripts/releasing/repo-files.js'
import { findSigningKey, signRpms } from '../../scripts/releasing/sign.js'
import { ensureTreeKey } from '../../scripts/releasing/tree-keys.js'
import { withTree } from '../../scripts/releasing/tree.js'
import { verifyTree } from '../../scripts/releasing/verify.js'
import type { ReleaseInfo } from '../../scripts/releasing/types.js'
import { useGpgHome } from '../helpers/gpg-key.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { buildRpm } from '../helpers/rpms.js'
import { commitOf, makePackages, makeSnapshot, type MadeSnapshot } from '../helpers/snapshots.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const PROGRAM = fileURLToPath(new URL('../../scripts/releasing/release.js', import.meta.url))
const SCRIPTS = fileURLToPath(new URL('../../../scripts', import.meta.url))
const CHILD = fileURLToPath(new URL('../helpers/promote-child.js', import.meta.url))
const NOW = Date.parse('2026-03-05T12:00:00Z')

const run = promisify(execFile)
const mounted: string[] = []
afterEach(() => {
  for (const at of mounted.splice(0)) execFileSync('umount', [at])
})
const makeTempDir = useTempDirs()
const gpgHome = useGpgHome()
const { task } = recordedTask()

let packages = ''
beforeAll(async () => {
  packages = await mkdtemp(path.join(os.tmpdir(), 'lago-test-packages-'))
  for (const version of ['2.0.1', '2.0.2', '3.0.0']) await makePackages(path.join(packages, version), version)
})
afterAll(async () => rm(packages, { recursive: true, force: true }))

let dir = ''
let tree = ''
beforeEach(async () => {
  dir = await makeTempDir()
  tree = path.join(dir, 'a tree')
})

async function snapshot(version: string, pipeline: number, made: Partial<MadeSnapshot> = {}): Promise<string> {
  return makeSnapshot(task, tree, { version, pipeline, packagesDir: path.join(packages, version), ...made })
}

type Options = Partial<PromoteOptions> & {
  readonly reason?: string
  readonly keyName?: string
  readonly waitMs?: number
}

async function promoted(options: Options = {}): Promise<Promotion> {
  return promote(task, { treeDir: tree, afterDays: 30, nowMs: NOW, beforeNew: async () => undefined, ...options })
}

/** What a user can see of a directory: content by path. */
async function contentOf(top: string): Promise<ReadonlyMap<string, string>> {
  const entries = (await readdir(top, { recursive: true, withFileTypes: true })).filter((entry) => !entry.isDirectory())
  const paths = entries.map((entry) => path.join(entry.parentPath, entry.name)).sort()
  return new Map(await Promise.all(paths.map(async (file) => [path.relative(top, file), await textOf(file)] as const)))
}

async function textOf(file: string): Promise<string> {
  const text = await readFile(file, 'latin1').catch(() => 'a link that leads to no file')
  return text.replace(/^ {2}<(revision|timestamp)>.*|<timestamp>.*?<\/timestamp>|^Date: .*/gm, '') // of createrepo_c, of apt
}

async function releasesOf(major: number): Promise<ReleaseInfo['releases']> {
  return (JSON.parse(await readFile(path.join(tree, `stable/${major}.0/release.json`), 'utf8')) as ReleaseInfo).releases
}

async function stable(name: string): Promise<string> {
  return readFile(path.join(tree, 'stable/2.0', name), 'utf8')
}

test('releases stand side by side in stable/X.0, with all that users need', async () => {
  await snapshot('2.0.1', 7)
  const first = await promoted()
  expect(first).toMatchObject({ kind: 'new', release: { version: '2.0.1', promotedAt: '2026-03-05T12:00:00.000Z' } })
  await snapshot('2.0.2', 8)
  await promoted({ reason: 'a customer waits' })
  const packageNames = [...(await contentOf(path.join(tree, 'stable/2.0'))).keys()].filter((name) =>
    /^[^.]*\/lago[-_]2/.test(name),
  )
  expect(packageNames).toEqual([
    ...['deb/lago_2.0.1-1_all.deb', 'deb/lago_2.0.2-1_all.deb', 'npm/lago-2.0.1.tgz', 'npm/lago-2.0.2.tgz'],
    ...['rpm/el9/lago-2.0.1-1.noarch.rpm', 'rpm/el9/lago-2.0.2-1.noarch.rpm'],
    ...['sources/lago-2.0.1.tar.gz', 'sources/lago-2.0.2.tar.gz'],
  ])
  expect(await stable('ChangeLog_2.0.txt')).toMatch(/^\* .* - 2.0.2\n/)
  expect(await stable('lago-el.repo')).toContain(
    'baseurl=https://lago.example.org/lago/stable/2.0/rpm/el$releasever\nenabled=1\ngpgcheck=0\n',
  )
  execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: path.join(tree, 'stable/2.0') })
  expect(await verifyTree(task, tree)).toEqual([])
  const releases = await releasesOf(2)
  expect(releases.map(({ version, reasons }) => ({ version, reasons }))).toEqual([
    { version: '2.0.2', reasons: ['a customer waits'] },
    { version: '2.0.1', reasons: ['major: 2.0.1 is a new X: stable has no release yet'] },
  ])
})

test('a new X has a directory of its own, and an older one stays promotable', async () => {
  await snapshot('2.0.1', 7)
  await promoted()
  const before = await contentOf(path.join(tree, 'stable/2.0'))
  await snapshot('3.0.0', 8)
  await snapshot('2.0.2', 9, { facts: { notes: '### Security\n\n- cli: safe' } })
  expect(await promoted()).toMatchObject({ release: { version: '3.0.0' } }) // of the newest X.0, not the newest pipeline
  expect(await contentOf(path.join(tree, 'stable/2.0'))).toEqual(before)
  expect(await promoted({ snapshot: '9' })).toMatchObject({ release: { version: '2.0.2' } })
  expect((await releasesOf(2))[0]?.reasons).toEqual([
    'fixes: no change names a bug since 2.0.1; the notes have new entries under "Security"',
  ])
})

test('what is promoted already changes nothing', async () => {
  const name = await snapshot('2.0.1', 7)
  await promoted()
  const before = await contentOf(tree)
  const { mtimeMs } = await stat(path.join(tree, 'stable/2.0/release.json'))
  expect(await promoted({ snapshot: name, nowMs: NOW + 1000 })).toMatchObject({ kind: 'again' })
  expect(await contentOf(tree)).toEqual(before)
  expect((await stat(path.join(tree, 'stable/2.0/release.json'))).mtimeMs).toBe(mtimeMs)
})

test('another pipeline of what is promoted already changes nothing, whether its own snapshot is still there or not', async () => {
  const name = await snapshot('2.0.1', 7)
  await promoted()
  const rebuilt = path.join(dir, 'rebuilt') // RPMs have the time in them
  await cp(path.join(packages, '2.0.1'), rebuilt, { recursive: true })
  await buildRpm(path.join(rebuilt, 'rpm/el9'), { name: 'lago', version: '2.0.1', summary: 'built again' })
  await snapshot('2.0.1', 8, { packagesDir: rebuilt })
  const before = await contentOf(path.join(tree, 'stable'))
  expect(await promoted()).toMatchObject({ kind: 'again', release: { snapshot: name }, info: { pipeline: 7 } })
  await rm(path.join(tree, 'unstable/2.0', name), { recursive: true })
  expect(await promoted()).toMatchObject({ kind: 'again', release: { snapshot: name }, info: { pipeline: 8 } })
  await snapshot('2.0.1', 7, { packagesDir: rebuilt }) // of a server that began to count anew
  expect(await promoted()).toMatchObject({ kind: 'again', release: { snapshot: name } })
  expect(await contentOf(path.join(tree, 'stable'))).toEqual(before)
})

describe('refused, and nothing is changed:', () => {
  beforeEach(async () => {
    await snapshot('2.0.1', 7)
    await promoted()
    await snapshot('2.0.2', 8)
  })

  async function refusal(options: Options = { reason: 'it is time' }): Promise<unknown> {
    const before = await contentOf(tree)
    const error: unknown = await promoted(options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(await contentOf(tree)).toEqual(before)
    return error
  }

  test('what is not due, with the answer of each rule', async () => {
    expect(await refusal({})).toMatchObject({
      code: 'LAGO_NOT_DUE',
      message: [
        '2.0.2 is not due',
        'major: 2.0.2 is no new X: stable has 2.0.1',
        'minor: 2.0.2 is no new Y: stable has 2.0.1',
        'time: 2.0.0 is 1 day old, and is to be 30; 1 change since 2.0.1',
        'fixes: no change names a bug since 2.0.1; the notes have nothing new under "Security"',
        'features: no change is a feature since 2.0.1; the notes have nothing new under "Added"',
      ].join('\n'),
      hint: 'a maintainer may promote it all the same: --reason "..."',
    })
  })

  test('what is older', async () => {
    await promoted({ reason: 'it is time' })
    expect(await refusal({ snapshot: '7' })).toMatchObject({ code: 'LAGO_RELEASE_OLDER' })
  })

  test('another commit of the same version', async () => {
    await snapshot('2.0.1', 9, { facts: { commit: commitOf('other') } })
    expect(await refusal()).toMatchObject({ code: 'LAGO_RELEASE_TAKEN' })
  })

  test('other packages of a release that is there', async () => {
    const more = path.join(dir, 'more')
    await cp(path.join(packages, '2.0.1'), more, { recursive: true })
    await buildRpm(path.join(more, 'rpm/fc42'), { name: 'lago', version: '2.0.1' })
    await snapshot('2.0.1', 9, { packagesDir: more })
    expect(await refusal()).toMatchObject({
      code: 'LAGO_RELEASE_TAKEN',
      message:
        'stable has 2.0.1 already, from snapshot-lago_2.0_pipeline_7: only one of them has rpm/fc42/lago-2.0.1-1.noarch.rpm',
    })
  })

  test('a snapshot with a package that is not what it was', async () => {
    await writeFile(path.join(tree, 'unstable/2.0/snapshot-lago_2.0_pipeline_8/npm/lago-2.0.2.tgz'), 'other')
    expect(await refusal()).toMatchObject({ code: 'LAGO_RELEASE_FILE_DAMAGED' })
  })

  test('a changelog that is not that of the source tarball', async () => {
    await snapshot('2.0.2', 9, { changelog: 'another\n' })
    expect(await refusal()).toMatchObject({
      code: 'LAGO_RELEASE_CHANGELOG',
      message: expect.stringContaining('is not the lago-2.0.2/ChangeLog of sources/lago-2.0.2.tar.gz'),
    })
  })

  test('in the place of a package that is released', async () => {
    const rebuilt = path.join(dir, 'rebuilt')
    await cp(path.join(packages, '2.0.1'), rebuilt, { recursive: true })
    await writeFile(path.join(rebuilt, 'npm/lago-2.0.1.tgz'), 'another')
    await snapshot('2.0.1', 9, { packagesDir: rebuilt, facts: { release: '2' } })
    expect(await refusal()).toMatchObject({ code: 'LAGO_RELEASE_FILE_DIFFERS' })
  })

  test('beside packages of no release', async () => {
    await writeFile(path.join(tree, 'stable/2.0/npm/lago-2.0.7.tgz'), 'of a later one')
    expect(await refusal()).toMatchObject({
      code: 'LAGO_RELEASE_INTERRUPTED',
      message: expect.stringMatching(/stable\/2.0 has packages of no release: npm\/lago-2.0.7.tgz$/),
      hint: expect.stringMatching(/^no snapshot has them: /),
    })
  })

  test('beside packages of another promotion that was ended, of another build of the same commit, too', async () => {
    const rpm = 'rpm/el9/lago-2.0.2-1.noarch.rpm'
    await link(path.join(tree, 'unstable/2.0/snapshot-lago_2.0_pipeline_8', rpm), path.join(tree, 'stable/2.0', rpm))
    const rebuilt = path.join(dir, 'rebuilt')
    await cp(path.join(packages, '2.0.2'), rebuilt, { recursive: true })
    await buildRpm(path.join(rebuilt, 'rpm/el9'), { name: 'lago', version: '2.0.2', summary: 'built again' })
    await snapshot('2.0.2', 9, { packagesDir: rebuilt })
    expect(await refusal()).toMatchObject({
      code: 'LAGO_RELEASE_INTERRUPTED',
      message: expect.stringMatching(/stable\/2.0 has packages of no release: rpm\/el9\/lago-2.0.2-1.noarch.rpm$/),
      hint: 'a promotion was ended before it was done: promote snapshot-lago_2.0_pipeline_8 first',
    })
    await promoted({ snapshot: '8', reason: 'it is time' })
    expect(await promoted()).toMatchObject({ kind: 'again' })
  })

  test('when the project says no', async () => {
    const error = new Error('dirty')
    await expect(promoted({ reason: 'r', beforeNew: async () => Promise.reject(error) } as Options)).rejects.toBe(error)
    expect(await releasesOf(2)).toHaveLength(1)
  })

  test('while somebody else works in the tree', async () => {
    await withTree(task, tree, async () => {
      expect(await refusal({ reason: 'it is time', waitMs: 0 })).toMatchObject({
        code: 'LAGO_LOCKED',
        message: expect.stringContaining(`is held by this process`),
      })
    })
  })

  test('a key that did not sign the snapshot', async () => {
    const keyName = gpgHome().makeKey('Lago test <test@example.org>')
    expect(await refusal({ reason: 'r', keyName })).toMatchObject({ code: 'LAGO_RELEASE_UNSIGNED' })
  })
})

describe('a snapshot that cannot be found is told, with those that there are:', () => {
  const message = async (given?: string): Promise<string> =>
    promoted({ snapshot: given }).then(
      () => '',
      (error: Error & { readonly code: string; readonly hint: string }) =>
        `[${error.code}] ${error.message}: ${error.hint}`,
    )

  test('none at all, a wrong name, a number of two, and a latest that leads nowhere', async () => {
    expect(await message()).toMatch(/^\[LAGO_RELEASE_TREE\]/)
    await mkdir(tree)
    await writeFile(path.join(tree, 'tree.json'), '{"format":1}')
    expect(await message()).toMatch(
      /^\[LAGO_SNAPSHOT\] there is no snapshot in .*: scripts\/release snapshot makes one$/,
    )
    await snapshot('2.0.1', 7)
    const other = await snapshot('3.0.0', 7)
    expect(await message('12')).toMatch(
      /there is no snapshot "12" in .*: there are snapshot-lago_2.0_pipeline_7, snapshot-lago_3.0_pipeline_7$/,
    )
    expect(await message('7')).toMatch(
      /pipeline 7 has made several snapshots: name one: snapshot-lago_2.0_pipeline_7, snap/,
    )
    await rm(path.join(tree, 'unstable/3.0', other), { recursive: true })
    expect(await message()).toMatch(
      /3.0\/latest leads to snapshot-lago_3.0_pipeline_7, which is not there: there are snap/,
    )
    await rm(path.join(tree, 'unstable/3.0/latest'))
    expect(await message()).toMatch(/3.0\/latest is not there: there are snapshot-lago_2.0_pipeline_7$/)
    await symlink('/etc', path.join(tree, 'unstable/3.0/latest'))
    expect(await message()).toMatch(/3.0\/latest leads to \/etc, which is not there/)
  })
})

test('signed: all that dnf and apt check, and only by the key of the tree', async () => {
  const keyName = gpgHome().makeKey('Lago test <test@example.org>')
  const key = await findSigningKey(task, keyName)
  await mkdir(tree)
  await writeFile(path.join(tree, 'tree.json'), '{"format":1}')
  await ensureTreeKey(task, tree, key)
  await snapshot('2.0.1', 7, { key })
  await expect(promoted()).rejects.toMatchObject({ code: 'LAGO_RELEASE_UNSIGNED' })
  await promoted({ keyName })
  const dirOf = path.join(tree, 'stable/2.0')
  gpgHome().gpg('--verify', path.join(dirOf, 'SHA256SUMS.asc'), path.join(dirOf, 'SHA256SUMS'))
  expect(await stable('lago-el.repo')).toContain(
    'gpgcheck=1\nrepo_gpgcheck=1\ngpgkey=https://lago.example.org/lago/lago.asc',
  )
})

test('a tree that gets a key later: what is there stays as it is, and the next release is signed', async () => {
  await snapshot('2.0.1', 7)
  await promoted()
  const before = await contentOf(path.join(tree, 'stable'))
  const keyName = gpgHome().makeKey('Lago test <test@example.org>', { expires: '2y' })
  const key = await findSigningKey(task, keyName)
  const signed = path.join(dir, 'signed')
  await cp(path.join(packages, '2.0.2'), signed, { recursive: true })
  await signRpms(task, key, [path.join(signed, 'rpm/el9/lago-2.0.2-1.noarch.rpm')])
  await ensureTreeKey(task, tree, key)
  await snapshot('2.0.2', 8, { key, packagesDir: signed })
  await writeAllRepoFiles(tree)
  await promoted({ snapshot: '7', keyName })
  expect(await contentOf(path.join(tree, 'stable'))).toEqual(before)
  expect(await verifyTree(task, tree)).toEqual([])

  await promoted({ keyName, reason: 'it is time' })
  expect(await stable('lago-el.repo')).toContain('\ngpgcheck=1\nrepo_gpgcheck=1\n')
  expect(await verifyTree(task, tree)).toEqual([])

  gpgHome().gpg('--passphrase', '', '--quick-set-expire', keyName, '3y')
  await promoted({ keyName })
  expect(await verifyTree(task, tree)).toEqual([])

  await rm(path.join(tree, 'stable/2.0/SHA256SUMS.asc'))
  await writeAllRepoFiles(tree)
  expect(await stable('lago-el.repo')).toContain('\ngpgcheck=1\n') // what was signed once is never called unsigned
})

test('killed at any step, and run again, it comes to the same as undisturbed', async () => {
  await snapshot('2.0.1', 7)
  await promoted()
  const name = await snapshot('2.0.2', 8)
  const before = path.join(dir, 'before')
  await cp(tree, before, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
  const promoteIn = async (dieAt: number): Promise<{ readonly stdout: string; readonly isKilled: boolean }> =>
    run(process.execPath, [CHILD, String(dieAt), tree, name], { env: { ...process.env, TMPDIR: dir } }).then(
      ({ stdout }) => ({ stdout, isKilled: false }),
      (error: { readonly signal?: string; readonly stderr: string }) => {
        if (error.signal !== 'SIGKILL') throw new Error(error.stderr)
        return { stdout: '', isKilled: true }
      },
    )
  const count = Number((await promoteIn(0)).stdout)
  expect(count).toBeGreaterThan(14)
  const undisturbed = await contentOf(tree)
  for (let dieAt = 1; dieAt <= count; dieAt++) {
    await rm(tree, { recursive: true })
    await cp(before, tree, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
    expect(await promoteIn(dieAt)).toMatchObject({ isKilled: true })
    const isRecorded = (await releasesOf(2))[0]?.version === '2.0.2'
    if (isRecorded) expect({ dieAt, content: await contentOf(tree) }).toEqual({ dieAt, content: undisturbed })
    await promoted({ snapshot: name, reason: 'it is time' })
    expect({ dieAt, content: await contentOf(tree) }).toEqual({ dieAt, content: undisturbed })
  }
})

test('what an earlier run has begun with some files is finished', async () => {
  const name = await snapshot('2.0.1', 7)
  const undisturbedTree = path.join(dir, 'other')
  await cp(tree, undisturbedTree, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
  await promoted({ treeDir: undisturbedTree })
  const from = path.join(tree, 'unstable/2.0', name)
  for (const file of ['npm/lago-2.0.1.tgz', 'rpm/el9/lago-2.0.1-1.noarch.rpm']) {
    await mkdir(path.dirname(path.join(tree, 'stable/2.0', file)), { recursive: true })
    await link(path.join(from, file), path.join(tree, 'stable/2.0', file))
  }
  await writeFile(path.join(tree, 'stable/2.0/.ChangeLog_2.0.txt.1.1.tmp'), 'half')
  await promoted()
  expect(await contentOf(path.join(tree, 'stable'))).toEqual(await contentOf(path.join(undisturbedTree, 'stable')))
})

const isRoot = process.getuid?.() === 0 // to mount a small disk

;(isRoot ? test : test.skip)(
  'a full disk is told, nothing is released, and with more room the next run does it',
  async () => {
    await mkdir(tree)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755,size=4m', 'tmpfs', tree])
    mounted.push(tree)
    await snapshot('2.0.1', 7)
    const ballast = path.join(tree, 'ballast')
    execFileSync('sh', ['-c', 'cat /dev/zero > "$1" 2> /dev/null || :', 'sh', ballast])
    await expect(promoted()).rejects.toMatchObject({
      code: 'LAGO_NO_SPACE',
      message: `the disk of the tree ${tree} is full`,
    })
    await expect(releasesOf(2)).rejects.toThrow('ENOENT')
    await rm(ballast)
    await promoted()
    expect(await releasesOf(2)).toHaveLength(1)
  },
)

describe('scripts/release promote', () => {
  let project = ''
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', project, ...args], { encoding: 'utf8', env: gitEnv() })
  const announce = (): string => `${path.join(SCRIPTS, 'release')} announce '${tree}' 2.0.1`
  const gitEnv = (): NodeJS.ProcessEnv => ({
    ...process.env,
    ...{ GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', GIT_CONFIG_COUNT: '2' },
    ...{ GIT_CONFIG_KEY_0: 'user.email', GIT_CONFIG_VALUE_0: 'jane@example.org' },
    ...{ GIT_CONFIG_KEY_1: 'user.name', GIT_CONFIG_VALUE_1: 'Jane' },
  })
  const release = async (...args: readonly string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> =>
    run(process.execPath, [PROGRAM, ...args], { cwd: project, env: gitEnv() }).then(
      (ended) => ({ exitCode: 0, ...ended }),
      (error: { code: number; stdout: string; stderr: string }) => ({ ...error, exitCode: error.code }),
    )

  beforeEach(async () => {
    project = path.join(dir, 'project')
    await mkdir(project)
    await writeFile(
      path.join(project, 'CHANGELOG.md'),
      '# Changelog\n\n## Unreleased\n\n### Changed\n\n- cli: 2.0.1\n- cli: came since\n',
    )
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'begin\n\nSem-Ver: feature\n')
    await snapshot('2.0.1', 7, { facts: { commit: git('rev-parse', 'HEAD').trim() } })
  })

  test('gives the notes of CHANGELOG.md a section, and says what is to be done next', async () => {
    const today = (): string => new Date().toISOString().slice(0, 10)
    const dayBefore = today() // it may end at midnight
    const ended = await release('promote', tree)
    expect(ended).toMatchObject({ exitCode: 0 })
    expect(ended.stdout).toBe(
      [
        'To do next:',
        `  git -C ${project} commit -m 'release: 2.0.1' CHANGELOG.md`,
        `  ${path.join(SCRIPTS, 'version_manager')} ${project} tag`,
        `  ${announce()}`,
        '',
      ].join('\n'),
    )
    const headOf = (day: string): string =>
      `# Changelog\n\n## Unreleased\n\n### Changed\n\n- cli: came since\n\n## 2.0.1 - ${day}\n`
    expect([dayBefore, today()].map((day) => `${headOf(day)}\n### Changed\n\n- cli: 2.0.1\n`)).toContain(
      await readFile(path.join(project, 'CHANGELOG.md'), 'utf8'),
    )
    const again = await release('promote', tree, '7')
    expect(again.stderr).toContain('2.0.1 is promoted already, from snapshot-lago_2.0_pipeline_7')
    expect((await release('promote', tree, '--dry-run')).stdout).toMatch(
      /^2\.0\.1 is promoted already, from snapshot-lago_2\.0_pipeline_7\n/,
    )
    git('commit', '-qm', 'release: 2.0.1', 'CHANGELOG.md')
    git('tag', '0.1', 'HEAD~1')
    expect((await release('promote', tree)).stdout).toBe(`To do next:\n  ${announce()}\n`)
  })

  test('says once that the entries of the release were changed since', async () => {
    const changed = '# Changelog\n\n## Unreleased\n\n### Changed\n\n- cli: reworded\n'
    await writeFile(path.join(project, 'CHANGELOG.md'), changed)
    git('commit', '-qm', 'reword', 'CHANGELOG.md')
    const { exitCode, stderr } = await release('promote', tree)
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(
      /does not have under Unreleased any more what 2\.0\.1 had there: "- cli: 2\.0\.1": .*; there is no new section for 2\.0\.1\n/,
    )
    expect(await readFile(path.join(project, 'CHANGELOG.md'), 'utf8')).toBe(changed)
  })

  test('refuses a dirty tree', async () => {
    await writeFile(path.join(project, 'new.txt'), '')
    const ended = await release('promote', tree)
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' })
    expect(ended.stderr).toMatch(/has what is not committed: new.txt \[LAGO_DIRTY_TREE\]\n {2}hint: commit it/)
    expect(await readdir(tree)).toEqual(['tree.json', 'unstable'])
  })

  test('refuses a --project without a CHANGELOG.md', async () => {
    git('rm', '-q', 'CHANGELOG.md')
    git('commit', '-qm', 'away')
    const ended = await release('promote', tree, '--project', project)
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' })
    expect(ended.stderr).toContain(`--project names ${project}, which has no CHANGELOG.md [LAGO_USAGE]`)
    expect(await readdir(tree)).toEqual(['tree.json', 'unstable'])
  })

  test('--dry-run prints what each rule says', async () => {
    const { exitCode, stdout } = await release('promote', tree, '--dry-run', '--after-days', '99999')
    expect(exitCode).toBe(0)
    expect(stdout.replace(/\d+ days old/, 'N days old')).toBe(
      [
        '2.0.1 of snapshot-lago_2.0_pipeline_7 is due',
        'major     due  2.0.1 is a new X: stable has no release yet',
        'minor     -    stable has no other 2.Y',
        'time      -    2.0.0 is N days old, and is to be 99999; 1 change',
        'fixes     -    no change names a bug; the notes have nothing new under "Security"',
        'features  -    no change is a feature; the notes have nothing new under "Added"',
        '',
      ].join('\n'),
    )
    expect(await readdir(tree)).toEqual(['tree.json', 'unstable'])
  })
})
