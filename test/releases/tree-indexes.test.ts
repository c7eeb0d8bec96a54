/** The lists of packages in a tree, read over HTTP by dnf and apt themselves. */
import { appendFile, cp, mkdir, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { refreshIndexes } from '../../scripts/releasing/indexes.js'
import { writeRepoFiles } from '../../scripts/releasing/repo-files.js'
import { findSigningKey, signRpms, type SigningKey } from '../../scripts/releasing/sign.js'
import { ensureTreeKey } from '../../scripts/releasing/tree-keys.js'
import { ensureTree } from '../../scripts/releasing/tree.js'
import { buildDeb } from '../helpers/debian-package.js'
import { useGpgHome } from '../helpers/gpg-key.js'
import { serveDir, useHttpServers, type HttpServer } from '../helpers/http-server.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { aptWith, dnfWith, type Answer } from '../helpers/release-readers.js'
import { buildRpm } from '../helpers/rpms.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const gpgHome = useGpgHome()
const servers = useHttpServers()
const { task } = recordedTask()

interface ServedTree {
  /** `stable/2.0` of it. */
  readonly dir: string
  /** For tests that sign with a key that no user knows. */
  readonly workDir: string
  readonly url: string
  readonly requests: HttpServer['requests']
  refresh(key?: SigningKey): Promise<void>
  dnf(...args: readonly string[]): Promise<Answer>
  apt(...args: readonly string[]): Promise<Answer>
}

/** A tree with one package for el9 and one for apt, served over HTTP, as its own files tell dnf and apt of it. */
async function servedTree({ signed }: { readonly signed: boolean }): Promise<ServedTree> {
  const workDir = await makeTempDir()
  const treeDir = path.join(workDir, 'a tree')
  const dir = path.join(treeDir, 'stable/2.0')
  const { url, requests } = await servers.http(serveDir(treeDir))
  await ensureTree(task, treeDir, `${url}/`)
  const key = signed ? await findSigningKey(task, gpgHome().makeKey('Lago test <test@example.org>')) : undefined
  if (key !== undefined) await ensureTreeKey(task, treeDir, key)
  const rpm = await buildRpm(path.join(dir, 'rpm/el9'), { name: 'lago', version: '2.0.1' })
  if (key !== undefined) await signRpms(task, key, [rpm])
  await buildDeb(path.join(dir, 'deb'), { name: 'lago', version: '2.0.1' })
  const refresh = async (with_: SigningKey | undefined = key): Promise<void> =>
    refreshIndexes(task, dir, { key: with_ })
  await refresh()
  await writeRepoFiles(treeDir, { dir, part: 'stable/2.0', isSigned: signed })
  const text = async (name: string): Promise<string> => readFile(path.join(dir, name), 'utf8')
  return {
    ...{ dir, workDir, url, requests, refresh },
    dnf: dnfWith(path.join(workDir, 'dnf'), await text('lago-el.repo'), '9'),
    apt: aptWith(path.join(workDir, 'apt'), await text('lago.sources')),
  }
}

const install = ['install', 'lago'] as const

describe('a signed tree', () => {
  test('is installed from by dnf and apt, which check both signatures', async () => {
    const { dnf, apt, dir, requests } = await servedTree({ signed: true })
    expect(await readFile(path.join(dir, 'lago-el.repo'), 'utf8')).toContain('gpgcheck=1\nrepo_gpgcheck=1\ngpgkey=http')
    expect(await dnf(...install)).toMatchObject({ exitCode: 0, text: expect.stringContaining('Importing GPG key') })
    expect(await apt('update')).toMatchObject({ exitCode: 0, text: expect.not.stringMatching(/^[WE]:/m) })
    expect(requests.map(({ target }) => target)).toContainEqual(expect.stringContaining('/by-hash/SHA256/'))
    expect(await apt('download', 'lago')).toMatchObject({ exitCode: 0 })
  })

  test('has a package signed with another key refused by dnf', async () => {
    const { dnf, dir, refresh } = await servedTree({ signed: true })
    const other = await findSigningKey(task, gpgHome().makeKey('Somebody else <else@example.org>'))
    const newer = await buildRpm(path.join(dir, 'rpm/el9'), { name: 'lago', version: '2.0.2' })
    await signRpms(task, other, [newer])
    await refresh()
    expect(await dnf(...install)).toMatchObject({ exitCode: 1, text: expect.stringMatching(/GPG check FAILED/) })
  })

  test('has a package without a signature refused by dnf', async () => {
    const { dnf, dir, refresh } = await servedTree({ signed: true })
    await buildRpm(path.join(dir, 'rpm/el9'), { name: 'lago', version: '2.0.2' })
    await refresh()
    expect(await dnf(...install)).toMatchObject({ exitCode: 1, text: expect.stringMatching(/not signed/) })
  })

  test('has lists signed with another key refused by both', async () => {
    const { dnf, apt, refresh } = await servedTree({ signed: true })
    await refresh(await findSigningKey(task, gpgHome().makeKey('Somebody else <else@example.org>')))
    expect(await dnf(...install)).toMatchObject({ exitCode: 1, text: expect.stringMatching(/signature/i) })
    const update = await apt('update')
    expect(update.text).toContain('NO_PUBKEY')
    expect(await apt('download', 'lago')).toMatchObject({ exitCode: 100 })
  })

  test('has a Debian package that was changed afterwards refused by apt', async () => {
    const { apt, dir } = await servedTree({ signed: true })
    await appendFile(path.join(dir, 'deb/lago_2.0.1_all.deb'), 'more')
    expect(await apt('update')).toMatchObject({ exitCode: 0 })
    expect(await apt('download', 'lago')).toMatchObject({
      exitCode: 100,
      text: expect.stringMatching(/unexpected size|Hash Sum/),
    })
  })
})

describe('a tree that is not signed', () => {
  test('is read by dnf and apt, with a warning in their files', async () => {
    const { dnf, apt, dir } = await servedTree({ signed: false })
    for (const name of ['lago-el.repo', 'lago-fedora.repo', 'lago.sources'])
      expect(await readFile(path.join(dir, name), 'utf8')).toMatch(/^# WARNING: .* not signed/)
    expect(await dnf('repoquery', '--available', 'lago')).toMatchObject({
      exitCode: 0,
      text: expect.stringContaining('lago-0:2.0.1-1.noarch'),
    })
    expect(await apt('update')).toMatchObject({ exitCode: 0 })
    expect(await apt('download', 'lago')).toMatchObject({ exitCode: 0 })
  })

  test("is read by the guide's own stanza", async () => {
    const { dir, workDir, url } = await servedTree({ signed: false })
    await rename(path.join(dir, 'rpm/el9'), path.join(dir, 'rpm/fc22'))
    const stanza = `[lago]\nbaseurl=${url}/stable/2.0/rpm/fc$releasever\nname=Lago\nenabled=1\ngpgcheck=0\n`
    const dnf = dnfWith(path.join(workDir, 'guide'), stanza, '22')
    expect(await dnf('repoquery', '--available', 'lago')).toMatchObject({
      exitCode: 0,
      text: expect.stringContaining('lago-0:2.0.1-1.noarch'),
    })
  })
})

test('a Debian package cannot say of itself where it is and what it sums up to', async () => {
  const { dir, apt, refresh } = await servedTree({ signed: false })
  const more = `Filename: ./else.deb\nsize: 1\nSHA256:\n ${'0'.repeat(64)}\nMD5sum: ${'0'.repeat(32)}\nInstalled-Size: 7\n`
  await buildDeb(path.join(dir, 'deb'), { name: 'lago', version: '2.0.2', more })
  await refresh()
  const [, stanza = ''] = (await readFile(path.join(dir, 'deb/lago/Packages'), 'utf8')).split('\n\n')
  expect(stanza).toMatch(
    /^Package: lago\nVersion: 2\.0\.2\nArchitecture: all\nMaintainer: .*\nInstalled-Size: 7\nDescription: for a test\nFilename: \.\/lago_2\.0\.2_all\.deb\nSize: \d\d+\nSHA256: (?!0{64})[0-9a-f]{64}$/,
  )
  expect(await apt('update')).toMatchObject({ exitCode: 0 })
  expect(await apt('download', 'lago')).toMatchObject({ exitCode: 0 })
})

describe('refreshing the lists', () => {
  const generations = async (dir: string): Promise<readonly string[]> => [
    await readlink(path.join(dir, 'rpm/el9/repodata')),
    await readlink(path.join(dir, 'deb/lago')),
  ]

  test('changes nothing when nothing has changed', async () => {
    const { dir, refresh } = await servedTree({ signed: true })
    const before = await generations(dir)
    await refresh()
    expect(await generations(dir)).toEqual(before)
    await rm(path.join(dir, 'rpm/el9/repodata/repomd.xml.asc'))
    await rm(path.join(dir, 'deb/lago/InRelease'))
    await rm(path.join(dir, 'deb/lago/Release.gpg'))
    await refresh()
    expect(await readFile(path.join(dir, 'rpm/el9/repodata/repomd.xml.asc'), 'utf8')).toContain('BEGIN PGP SIGNATURE')
    expect(await readFile(path.join(dir, 'deb/lago/InRelease'), 'utf8')).toContain('BEGIN PGP SIGNATURE')
  })

  test('mends signatures with something beside them, which users do not believe', async () => {
    const { dir, refresh } = await servedTree({ signed: true })
    const signatures = ['rpm/el9/repodata/repomd.xml.asc', 'deb/lago/InRelease'].map((name) => path.join(dir, name))
    for (const signature of signatures) await appendFile(signature, 'Evil: yes\n')
    await refresh()
    for (const signature of signatures)
      expect(await readFile(signature, 'utf8')).toMatch(/-----END PGP SIGNATURE-----\n$/)
  })

  test('leaves the files of the last lists reachable for those who have begun to read them, and no older ones', async () => {
    const { dir, refresh } = await servedTree({ signed: false })
    const lists = async (): Promise<readonly string[]> => [
      ...(await readdir(path.join(dir, 'rpm/el9/repodata'))),
      ...(await readdir(path.join(dir, 'deb/lago/by-hash/SHA256'))),
    ]
    const first = await lists()
    await buildRpm(path.join(dir, 'rpm/el9'), { name: 'lago', version: '2.0.2' })
    await buildDeb(path.join(dir, 'deb'), { name: 'lago', version: '2.0.2' })
    await refresh()
    expect(await lists()).toEqual(expect.arrayContaining([...first]))
    await buildRpm(path.join(dir, 'rpm/el9'), { name: 'lago', version: '2.0.3' })
    await buildDeb(path.join(dir, 'deb'), { name: 'lago', version: '2.0.3' })
    await refresh()
    expect((await lists()).filter((name) => first.includes(name))).toEqual(['repomd.xml'])
  })

  test('that fails leaves the old ones', async () => {
    const { dir, refresh } = await servedTree({ signed: false })
    const before = await generations(dir)
    const unlisted = await buildRpm(path.join(dir, 'rpm/el9'), {
      name: 'lago',
      version: '2.0.2',
      summary: 'a \x07 bell',
    })
    await expect(refresh()).rejects.toMatchObject({
      code: 'LAGO_RELEASE_LISTS',
      message: expect.stringMatching(/does not list lago-2\.0\.2-1\.noarch\.rpm$/),
    })
    await rm(unlisted)
    await writeFile(path.join(dir, 'rpm/el9/broken-1-1.noarch.rpm'), 'no package')
    await expect(refresh()).rejects.toMatchObject({ code: 'LAGO_RPM_BROKEN' })
    await rm(path.join(dir, 'rpm/el9/broken-1-1.noarch.rpm'))
    await writeFile(path.join(dir, 'deb/broken_1_all.deb'), 'no package')
    await expect(refresh()).rejects.toMatchObject({ code: 'LAGO_COMMAND_FAILED' })
    expect(await generations(dir)).toEqual(before)
    expect((await readdir(path.join(dir, 'rpm/el9'))).filter((name) => name.startsWith('.'))).toEqual([before[0]])
  })

  test('takes the place of lists that createrepo_c itself has made', async () => {
    const { dir, refresh } = await servedTree({ signed: false })
    const repodataDir = path.join(dir, 'rpm/el9/repodata')
    await cp(repodataDir, `${repodataDir}.copy`, { recursive: true, dereference: true })
    await rm(repodataDir)
    await rename(`${repodataDir}.copy`, repodataDir)
    await buildRpm(path.join(dir, 'rpm/el9'), { name: 'lago', version: '2.0.2' })
    await refresh()
    expect(await readlink(repodataDir)).toMatch(/^\.repodata-\d+$/)
    await mkdir(path.join(dir, 'rpm/fc40'))
    await refresh()
    expect(await readFile(path.join(dir, 'rpm/fc40/repodata/repomd.xml'), 'utf8')).toContain('primary')
  })
})
