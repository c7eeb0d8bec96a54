/** Files in a tree of releases: copying them, their checksums, and the key that they are signed with. */
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { addFiles, packageFilesIn } from '../../scripts/releasing/package-files.js'
import { findSigningKey, isSignedBy } from '../../scripts/releasing/sign.js'
import { writeSums } from '../../scripts/releasing/sums.js'
import { ensureTreeKey, requireKeyOf } from '../../scripts/releasing/tree-keys.js'
import { ensureTree, readTree, withTree } from '../../scripts/releasing/tree.js'
import { useGpgHome } from '../helpers/gpg-key.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const mounted: string[] = []
afterEach(() => {
  for (const dir of mounted.splice(0)) execFileSync('umount', [dir])
})
const makeTempDir = useTempDirs()
const gpgHome = useGpgHome()
const { task } = recordedTask()
const asRoot = process.getuid?.() === 0 ? test : test.skip // to mount a small disk

/** `CONTENT` by path below a new directory. */
async function filesIn(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await makeTempDir()
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true })
    await writeFile(path.join(dir, name), content)
  }
  return dir
}

async function smallDisk(sizeBytes: number): Promise<string> {
  const dir = await makeTempDir()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', dir])
  mounted.push(dir)
  return dir
}

const PACKAGES = {
  'rpm/el9/lago-2.0.1-1.el9.noarch.rpm': 'rpm',
  'deb/lago_2.0.1-1_all.deb': 'deb',
  'sources/lago-2.0.1.tar.gz': 'tar',
  'npm/lago-2.0.1.tgz': 'npm',
}

describe('adding packages', () => {
  test('takes packages alone, by their places and names', async () => {
    const dir = await filesIn({
      ...PACKAGES,
      'rpm/el9/.lago.rpm.1.1.tmp': '',
      'deb/lago.rpm': '',
      'rpm/el9/x.deb': '',
      ChangeLog: '',
    })
    expect((await packageFilesIn(task, dir)).map((file) => file.path)).toEqual([
      'deb/lago_2.0.1-1_all.deb',
      'npm/lago-2.0.1.tgz',
      'rpm/el9/lago-2.0.1-1.el9.noarch.rpm',
      'sources/lago-2.0.1.tar.gz',
    ])
  })

  test('links them, again and again, and clears what a run that was killed has left', async () => {
    const [fromDir, toDir] = [await filesIn(PACKAGES), await filesIn({ 'deb/.lago_2.0.1-1_all.deb.99.1.tmp': 'half' })]
    const files = await packageFilesIn(task, fromDir)
    await addFiles(task, fromDir, toDir, files)
    await addFiles(task, fromDir, toDir, files)
    expect(await packageFilesIn(task, toDir)).toEqual(files)
    expect((await stat(path.join(toDir, 'npm/lago-2.0.1.tgz'))).nlink).toBe(2)
    expect(await readdir(path.join(toDir, 'deb'))).toEqual(['lago_2.0.1-1_all.deb'])
  })

  test('refuses a file that is there with another content, and adds none', async () => {
    const [fromDir, toDir] = [await filesIn(PACKAGES), await filesIn({ 'sources/lago-2.0.1.tar.gz': 'other' })]
    const files = await packageFilesIn(task, fromDir)
    await expect(addFiles(task, fromDir, toDir, files)).rejects.toMatchObject({
      code: 'LAGO_RELEASE_FILE_DIFFERS',
      message: expect.stringMatching(/lago-2\.0\.1\.tar\.gz .* SHA-256 is [0-9a-f]{64}, .* new file [0-9a-f]{64}$/),
    })
    expect(await readdir(toDir)).toEqual(['sources'])
  })

  test.each([
    ['deb/lago_2.0.1-1_all.deb', /under another version, or with another release number$/],
    ['npm/lago-2.0.1.tgz', /under another version, or make a snapshot without it: its name has no release number$/],
    ['sources/lago-2.0.1.tar.gz', /under another version, or make a snapshot without it/],
  ])('says what is to be done with %s, which is there already, and is another one', async (file, hint) => {
    const [fromDir, toDir] = [await filesIn(PACKAGES), await filesIn({ [file]: 'other' })]
    const refused = addFiles(task, fromDir, toDir, await packageFilesIn(task, fromDir))
    await expect(refused).rejects.toMatchObject({
      code: 'LAGO_RELEASE_FILE_DIFFERS',
      hint: expect.stringMatching(hint),
    })
  })

  test('refuses what is not what was said of it', async () => {
    const [fromDir, toDir] = [await filesIn(PACKAGES), await makeTempDir()]
    const files = await packageFilesIn(task, fromDir)
    await writeFile(path.join(fromDir, 'npm/lago-2.0.1.tgz'), 'else')
    await rm(path.join(fromDir, 'deb/lago_2.0.1-1_all.deb'))
    await expect(addFiles(task, fromDir, toDir, files)).rejects.toMatchObject({
      code: 'LAGO_RELEASE_FILE_DAMAGED',
      message: expect.stringMatching(/all\.deb is missing; .*tgz has the SHA-256/),
    })
    expect(await readdir(toDir)).toEqual([])
  })

  asRoot('copies them to another file system, and leaves no half when that is full', async () => {
    const fromDir = await filesIn({ 'deb/a_1_all.deb': 'a', 'deb/b_1_all.deb': 'b'.repeat(200_000) })
    const files = await packageFilesIn(task, fromDir)
    const [large, small] = [await smallDisk(1_000_000), await smallDisk(65_536)]
    await addFiles(task, fromDir, large, files)
    expect(await packageFilesIn(task, large)).toEqual(files)
    await expect(addFiles(task, fromDir, small, files)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await readdir(path.join(small, 'deb'))).toEqual(['a_1_all.deb'])
    execFileSync('mount', ['-o', 'remount,size=1000000', small])
    await addFiles(task, fromDir, small, files)
    expect(await packageFilesIn(task, small)).toEqual(files)
  })
})

test('checksums are what sha256sum checks, signed, and written anew only when something has changed', async () => {
  const dir = await filesIn({ ...PACKAGES, 'ChangeLog_2.0.txt': '* today\n', 'snapshot.json': '{}', other: '' })
  const key = await findSigningKey(task, gpgHome().makeKey('Lago <lago@example.org>'))
  await writeSums(task, dir, key)
  const checked = execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: dir, encoding: 'utf8' })
  expect(checked.split('\n').filter((line) => line.endsWith(': OK'))).toHaveLength(6)
  const [sumsPath, signaturePath] = [path.join(dir, 'SHA256SUMS'), path.join(dir, 'SHA256SUMS.asc')]
  expect(await isSignedBy(task, key, sumsPath, signaturePath)).toBe(true)
  const before = await readFile(signaturePath, 'utf8')
  await writeSums(task, dir, key)
  expect(await readFile(signaturePath, 'utf8')).toBe(before)
  await writeFile(path.join(dir, 'npm/lago-2.0.2.tgz'), 'new')
  expect(await isSignedBy(task, key, sumsPath, path.join(dir, 'npm/lago-2.0.2.tgz'))).toBe(false)
  await writeSums(task, dir, key)
  expect(await isSignedBy(task, key, sumsPath, signaturePath)).toBe(true)
  await writeSums(task, dir, undefined)
  expect(await readdir(dir)).not.toContain('SHA256SUMS.asc')
})

describe('a key', () => {
  const refusal = (found: RegExp): object => ({ code: 'LAGO_SIGNING_KEY', message: expect.stringMatching(found) })

  test('is found by its fingerprint, id or address, and refused when it cannot sign', async () => {
    const { makeKey, gpg } = gpgHome()
    const fingerprint = makeKey('Lago <lago@example.org>')
    for (const name of [fingerprint, fingerprint.slice(-16), '<lago@example.org>'])
      expect(await findSigningKey(task, name)).toEqual({ fingerprint })
    await expect(findSigningKey(task, 'nobody@example.org')).rejects.toMatchObject(refusal(/gpg does not know it$/))
    makeKey('Lago the second <lago@example.org>')
    await expect(findSigningKey(task, 'lago@example.org')).rejects.toMatchObject(refusal(/it may be any of/))
    const old = makeKey('Old <old@example.org>', { expires: '2d', args: ['--faked-system-time', '20200101T000000!'] })
    await expect(findSigningKey(task, old)).rejects.toMatchObject(refusal(/it has expired$/))
    gpg('--yes', '--delete-secret-keys', fingerprint)
    await expect(findSigningKey(task, fingerprint)).rejects.toMatchObject(refusal(/gpg has its public part alone$/))
  })

  test('with a passphrase that nobody can enter is refused', async () => {
    const { gpg, dir } = gpgHome()
    await writeFile(path.join(dir, 'gpg-agent.conf'), 'pinentry-program /bin/false\nallow-loopback-pinentry\n')
    const passphrase = ['--pinentry-mode', 'loopback', '--passphrase', 'secret']
    gpg(...passphrase, '--quick-generate-key', 'Lago <lago@example.org>', 'ed25519', 'sign', 'never')
    execFileSync('gpgconf', ['--homedir', dir, '--reload', 'gpg-agent']) // it has kept the passphrase
    await expect(findSigningKey(task, 'lago@example.org')).rejects.toMatchObject({
      ...refusal(/gpg does not sign with it: gpg: signing failed/),
      hint: expect.stringContaining('gpg-preset-passphrase'),
    })
  })

  test('of a tree stays its key: another one is refused, and so is none', async () => {
    const { makeKey, gpg } = gpgHome()
    const treeDir = await makeTempDir()
    await ensureTree(task, treeDir, undefined)
    await requireKeyOf(treeDir, undefined)
    const fingerprint = makeKey('Lago <lago@example.org>', { expires: '2d' })
    const key = await findSigningKey(task, fingerprint)
    await ensureTreeKey(task, treeDir, key)
    const exported = await readFile(path.join(treeDir, 'lago.asc'), 'utf8')
    expect(exported).toMatch(/^-----BEGIN PGP PUBLIC KEY BLOCK-----/)
    const other = await findSigningKey(task, makeKey('Somebody else <else@example.org>'))
    await expect(ensureTreeKey(task, treeDir, other)).rejects.toMatchObject(
      refusal(/is signed with [0-9A-F]{40}, and not with/),
    )
    await expect(requireKeyOf(treeDir, undefined)).rejects.toMatchObject({ code: 'LAGO_RELEASE_UNSIGNED' })
    gpg('--passphrase', '', '--quick-set-expire', fingerprint, '3y')
    await ensureTreeKey(task, treeDir, key)
    expect(await readFile(path.join(treeDir, 'lago.asc'), 'utf8')).not.toBe(exported)
    await writeFile(path.join(treeDir, 'lago.asc'), gpg('--armor', '--export'))
    await ensureTreeKey(task, treeDir, other)
    await ensureTreeKey(task, treeDir, key)
    await writeFile(path.join(treeDir, 'lago.asc'), '')
    await expect(ensureTreeKey(task, treeDir, key)).rejects.toMatchObject(
      refusal(/is signed with keys that cannot be read, and not with/),
    )
  })
})

describe('a tree', () => {
  test('is made of a directory that is not there, and keeps its URL', async () => {
    const treeDir = path.join(await makeTempDir(), 'a new', 'tree')
    await ensureTree(task, treeDir, undefined)
    expect(await readTree(treeDir)).toEqual({ format: 1 })
    await ensureTree(task, treeDir, 'https://lago.example.org/lago/')
    await ensureTree(task, treeDir, undefined)
    expect(await readTree(treeDir)).toEqual({ format: 1, url: 'https://lago.example.org/lago' })
    expect(await readdir(treeDir)).toEqual(['tree.json'])
  })

  test.each([
    ...[
      'lago.example.org',
      'https:/lago.example.org/x',
      'https:lago.example.org',
      'https:\\\\h\\x',
      'https://h:x/',
      'file://',
    ],
    ...['https://h/%zz', 'https://h/a,b', 'https://h/a b', 'https://h/a?b', 'https://löwe.example.org', 'ftp://h/x'],
  ])('has no URL %j, which dnf or apt would take for another one, or not at all', async (url) => {
    const treeDir = path.join(await makeTempDir(), 'tree')
    await expect(ensureTree(task, treeDir, url)).rejects.toMatchObject({ code: 'LAGO_USAGE' })
  })

  test.each(['http://[::1]:8080/a~b/%20c', 'https://10.0.0.1', 'file:///srv/lago'])(
    'has a URL like %j',
    async (url) => {
      expect(await ensureTree(task, path.join(await makeTempDir(), 'tree'), url)).toEqual({ format: 1, url })
    },
  )

  test('has no password in its URL, nor is that shown', async () => {
    const refused = ensureTree(task, path.join(await makeTempDir(), 'tree'), 'https://jane:secret@h/x')
    await expect(refused).rejects.toMatchObject({ code: 'LAGO_USAGE', message: expect.not.stringContaining('secret') })
  })

  test('is not made of a directory of other things', async () => {
    const dir = await filesIn({ letter: 'to somebody' })
    await expect(ensureTree(task, dir, undefined)).rejects.toMatchObject({ code: 'LAGO_RELEASE_TREE' })
    await expect(withTree(task, dir, async () => undefined)).rejects.toMatchObject({ code: 'LAGO_RELEASE_TREE' })
    expect(await readdir(dir)).toEqual(['letter'])
    await writeFile(path.join(dir, 'tree.json'), '{"format": 2}')
    await expect(readTree(dir)).rejects.toMatchObject({ code: 'LAGO_RELEASE_TREE' })
  })

  test('is changed by one at a time, and cleared of what killed runs have left', async () => {
    const treeDir = await filesIn({
      'tree.json': '{"format":1}',
      'unstable/2.0/.unfinished-snapshot-lago_2.0_pipeline_1/x': 'half',
      'stable/2.0/.release.json.99.1.tmp': 'half',
    })
    await withTree(task, treeDir, async () => {
      expect(await readdir(path.join(treeDir, 'unstable/2.0'))).toEqual([])
      expect(await readdir(path.join(treeDir, 'stable/2.0'))).toEqual([])
      await expect(withTree(task, treeDir, async () => undefined, { waitMs: 0 })).rejects.toMatchObject({
        code: 'LAGO_LOCKED',
        message: expect.stringMatching(/ is held by this process \(/),
      })
    })
  })
})
