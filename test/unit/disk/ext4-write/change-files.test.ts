import { execFileSync } from 'node:child_process'
import { chmod, link, lstat, mkdir, readdir, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { changeFiles } from '../../../../src/disk/ext4-write/change-files.js'
import type { FileOperation } from '../../../../src/disk/ext4-write/operations.js'
import { debugfs, makeExtImage, partition, type ImageRequest } from '../../../helpers/ext4-image.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'
import { expectSound, hashOf, lookAt, withLook, type ImageRef, type Look } from '../../../helpers/written-image.js'

const tempDir = useTempDirs()
const { task, messages } = recordedTask()
const MIB = 1024 ** 2

async function makeTree(dir: string): Promise<string> {
  const tree = path.join(dir, 'tree')
  await mkdir(path.join(tree, 'etc/many'), { recursive: true })
  await mkdir(path.join(tree, 'real'))
  await writeFile(path.join(tree, 'etc/hostname'), 'template\n')
  await link(path.join(tree, 'etc/hostname'), path.join(tree, 'etc/second-name'))
  await writeFile(path.join(tree, 'etc/large'), Buffer.alloc(300_000, 'x'))
  await writeFile(path.join(tree, 'outside'), 'untouched')
  await symlink('../outside', path.join(tree, 'etc/link'))
  await symlink('../../../../real', path.join(tree, 'root'))
  for (let number = 0; number < 200; number++)
    await writeFile(path.join(tree, 'etc/many', `entry-${number}-with-a-name-that-fills-blocks`), '')
  return tree
}

/** An overlay over a file system that is made as `request` says. */
async function overlay(dir: string, request: Partial<ImageRequest> = {}): Promise<ImageRef> {
  const base = await makeExtImage(path.join(dir, 'base'), { fromDir: await makeTree(dir), ...request })
  const top = path.join(dir, 'top')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', base, top])
  return { path: top, format: 'qcow2' }
}

async function change(image: ImageRef, operations: readonly FileOperation[]): Promise<void> {
  await changeFiles(task, { ...image, rootPartition: undefined }, async () => operations)
}

function file(
  filePath: string,
  content: string,
  access: { mode?: number; uid?: number; gid?: number } = {},
): FileOperation {
  return { kind: 'file', path: filePath, content: Buffer.from(content), mode: 0o644, ...access }
}

/** Every kind of operation, on what is there and on what is not. */
const EVERYTHING: readonly FileOperation[] = [
  file('/etc/hostname', 'vm0\n'),
  file('/etc/large', 'y'.repeat(200_000), { mode: 0o640, uid: 70_000, gid: 42 }),
  file('/etc/link', 'no longer a link'),
  { kind: 'directory', path: '/root/.ssh', mode: 0o700, uid: 1000, gid: 1001 },
  file('/root/.ssh/authorized_keys', 'key\n', { mode: 0o600, uid: 1000, gid: 1001 }),
  { kind: 'directory', path: '/etc/many', mode: 0o711 },
  { kind: 'remove', path: '/etc/many/entry-7-with-a-name-that-fills-blocks' },
  { kind: 'remove', path: '/etc/many/never-there' },
  { kind: 'remove', path: '/nowhere/at/all' },
  ...Array.from({ length: 60 }, (_, number) => file(`/etc/many/new-${number}-with-a-name-that-fills-blocks`, '')),
  { kind: 'symlink', path: '/etc/new/wants/a.service', target: '/lib/a.service' },
  { kind: 'symlink', path: '/etc/long-link', target: `/${'x'.repeat(200)}` },
  file('/etc/made-and-replaced', 'one'),
  file('/etc/made-and-replaced', 'two'),
]

async function expectEverything(image: ImageRef): Promise<void> {
  await expectSound(task, image)
  await withLook(task, image, expectEverythingThere)
}

async function expectEverythingThere(look: Look): Promise<void> {
  const plain = { type: 'file', mode: '644', owner: '0:0' }
  expect(await look('/etc/hostname')).toEqual({ ...plain, content: 'vm0\n' })
  expect(await look('/etc/second-name')).toEqual({ ...plain, content: 'template\n' })
  expect(await look('/etc/large')).toEqual({ ...plain, mode: '640', owner: '70000:42', content: 'y'.repeat(200_000) })
  expect(await look('/etc/link')).toEqual({ ...plain, content: 'no longer a link' })
  expect(await look('/outside')).toEqual({ ...plain, content: 'untouched' })
  expect(await look('/real/.ssh')).toMatchObject({ type: 'directory', mode: '700', owner: '1000:1001' })
  const key = { ...plain, mode: '600', owner: '1000:1001', content: 'key\n' }
  expect(await look('/real/.ssh/authorized_keys')).toEqual(key)
  expect(await look('/etc/many')).toMatchObject({ type: 'directory', mode: '711', owner: '0:0' })
  expect(await look('/etc/many/entry-7-with-a-name-that-fills-blocks')).toBeUndefined()
  expect(await look('/nowhere')).toBeUndefined()
  expect(await look('/etc/many/entry-8-with-a-name-that-fills-blocks')).toBeDefined()
  expect(await look('/etc/many/new-59-with-a-name-that-fills-blocks')).toBeDefined()
  expect(await look('/etc/new/wants')).toMatchObject({ type: 'directory', mode: '755', owner: '0:0' })
  expect(await look('/etc/made-and-replaced')).toMatchObject({ content: 'two' })
}

const KINDS: readonly (readonly [string, Partial<ImageRequest>])[] = [
  ['ext2 with blocks of 1 KiB', { type: 'ext2', options: ['-b', '1024'] }],
  ['ext3', { type: 'ext3', options: ['-b', '4096'] }],
  ['ext4', { options: ['-b', '4096'] }],
  ['ext4 with blocks of 1 KiB and old inodes', { options: ['-b', '1024', '-I', '128'] }],
  ['ext4 without 64 bits and checksums', { options: ['-O', '^64bit,^metadata_csum'] }],
  ['ext4 with group checksums alone', { options: ['-O', '^metadata_csum,uninit_bg'] }],
  ['ext4 with descriptors in each group', { options: ['-b', '1024', '-O', 'meta_bg,^resize_inode', '-g', '1024'] }],
  ['ext4 without a journal', { options: ['-O', '^has_journal'] }],
  ['ext4 with an orphan file and a seed for checksums', { options: ['-O', 'orphan_file,metadata_csum_seed'] }],
  ['ext4 with encryption, verity and casefolding allowed', { options: ['-O', 'encrypt,verity,casefold'] }],
  ['ext4 with clusters', { options: ['-O', 'bigalloc'] }],
  ['ext4 with fast commits and large directories', { options: ['-O', 'fast_commit,large_dir,stable_inodes'] }],
]

test.each(KINDS)('%s: every operation, and the file system is sound', async (_, request) => {
  const image = await overlay(await tempDir(), request)
  await change(image, EVERYTHING)
  await expectEverything(image)
})

test.each(['-b 4096', '-b 1024', '-b 1024 -O ^metadata_csum'])('with indexed directories: %s', async (options) => {
  const dir = await tempDir()
  const image = await overlay(dir, { options: options.split(' ') })
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` }
  try {
    execFileSync('e2fsck', ['-fyD', path.join(dir, 'base')], { env, stdio: 'pipe' })
  } catch (error) {
    if ((error as { status?: number }).status !== 1) throw error // 1: it has changed something
  }
  expect(debugfs(path.join(dir, 'base'), ['stat /etc/many'])).toMatch(/Flags: 0x\w?1000/)
  await change(image, EVERYTHING)
  await expectEverything(image)
  await change(
    image,
    Array.from({ length: 900 }, (_, number) => file(`/etc/many/more-${number}-that-fill-blocks`, '')),
  )
  await expectSound(task, image)
})

test('a raw disk with partitions is changed in its root partition alone', async () => {
  const dir = await tempDir()
  const disk = await makeExtImage(path.join(dir, 'disk'), { fromDir: await makeTree(dir), offsetBytes: 10 * MIB })
  await truncate(disk, 64 * MIB)
  partition(disk, 'label: gpt\nstart=1MiB, size=8MiB\nstart=10MiB, size=32MiB\n')
  const image = { path: disk, format: 'raw' } as const
  await change(image, EVERYTHING)
  await expectEverything(image)
})

test('what is written is in no log and in no argument', async () => {
  await change(await overlay(await tempDir()), [file('/etc/hostname', 'a secret content')])
  expect(messages().join('\n')).toMatch(/run: qemu-storage-daemon .*\n.*run: debugfs on/s)
  expect(messages().join('\n')).not.toContain('a secret content')
})

describe('the image file', () => {
  test('keeps its mode, and a link to it stays a link', async () => {
    const dir = await tempDir()
    const image = await overlay(dir)
    await chmod(image.path, 0o640)
    const linkPath = path.join(dir, 'link')
    await symlink('top', linkPath)
    await change({ ...image, path: linkPath }, [file('/etc/hostname', 'vm0\n')])
    expect((await lstat(linkPath)).isSymbolicLink()).toBe(true)
    expect((await stat(image.path)).mode & 0o7777).toBe(0o640)
    expect(await lookAt(task, image, '/etc/hostname')).toMatchObject({ content: 'vm0\n' })
    expect((await readdir(dir)).sort()).toEqual(['base', 'link', 'top', 'tree'])
  })

  test('with snapshots inside keeps them', async () => {
    const image = await overlay(await tempDir())
    execFileSync('qemu-img', ['snapshot', '-c', 'lago.one', image.path])
    await change(image, [file('/etc/hostname', 'vm0\n')])
    execFileSync('qemu-img', ['snapshot', '-a', 'lago.one', image.path])
    expect(await lookAt(task, image, '/etc/hostname')).toMatchObject({ content: 'template\n' })
  })

  test('may have a name full of signs', async () => {
    const dir = await tempDir()
    const image = await overlay(dir)
    const odd = path.join(dir, 'json:{"a": 1},b=c?offset=7 "d".qcow2')
    await rename(image.path, odd)
    await change({ ...image, path: odd }, [file('/etc/hostname', 'vm0\n')])
    expect(await lookAt(task, { ...image, path: odd }, '/etc/hostname')).toMatchObject({ content: 'vm0\n' })
  })
})

test('names that debugfs has a meaning for are names', async () => {
  const image = await overlay(await tempDir())
  const names = ['<2>', 'a b\tc', '"q""', "'", '!ls', '#', '-R', 'ü', 'x'.repeat(255), '%s', '\\', ' ']
  await change(image, [
    ...names.map((name) => file(`/etc/${name}`, name)),
    ...names.map((name) => file(`/etc/sub/${name}/in`, name)),
    ...names.map((name): FileOperation => ({ kind: 'symlink', path: `/links/${name}`, target: name })),
  ])
  await expectSound(task, image)
  await withLook(task, image, async (look) => {
    for (const name of names) {
      const content = Buffer.from(name).toString('latin1')
      expect([name, await look(`/etc/${name}`)]).toMatchObject([name, { content, mode: '644' }])
      expect([name, await look(`/etc/sub/${name}/in`)]).toMatchObject([name, { content, mode: '644' }])
    }
  })
  await change(
    image,
    names.map((name): FileOperation => ({ kind: 'remove', path: `/etc/${name}` })),
  )
  await expectSound(task, image)
  await withLook(task, image, async (look) => {
    for (const name of names) expect([name, await look(`/etc/${name}`)]).toEqual([name, undefined])
  })
})

/** Nothing of it has changed, and nothing is left beside it. */
async function expectRefused(
  image: ImageRef,
  operations: readonly FileOperation[],
  error: { code: string; message?: unknown },
): Promise<void> {
  const dir = path.dirname(image.path)
  const before = [await hashOf(image.path), await readdir(dir)]
  await expect(change(image, operations)).rejects.toMatchObject(error)
  expect([await hashOf(image.path), await readdir(dir)]).toEqual(before)
}

const HOST_NAME = file('/etc/hostname', 'vm0\n')

describe('what debugfs cannot be told is refused', () => {
  test.each(['a\nb', 'a\rb', 'a\0b', 'x'.repeat(256)])('name %j', async (name) => {
    const operations = [HOST_NAME, file(`/etc/${name}`, '')]
    await expectRefused(await overlay(await tempDir()), operations, { code: 'LAGO_FILE_NAME' })
  })

  test('the target of a link', async () => {
    const image = await overlay(await tempDir())
    for (const target of ['a\nrm /etc/passwd', 'x'.repeat(9000)])
      await expectRefused(image, [HOST_NAME, { kind: 'symlink', path: '/a', target }], { code: 'LAGO_FILE_NAME' })
  })
})

describe('file systems that are not written to', () => {
  const STATES = [
    ['with a journal to be replayed', ['feature needs_recovery'], /journal is to be replayed/],
    ['that was not unmounted', ['ssv state 0'], /not cleanly unmounted/],
    ['with errors', ['ssv state 3'], /errors were found/],
    ['with orphans', ['ssv last_orphan 12'], /deleted while in use/],
    ['that is larger than its partition', ['ssv blocks_count 40000000'], /larger than its partition/],
    ['with a feature of the future', ['ssv feature_compat 0x80000038'], /features .*: 0x80000000/],
  ] as const

  test.each(STATES)('one %s', async (_, commands, message) => {
    const dir = await tempDir()
    const image = await overlay(dir)
    debugfs(path.join(dir, 'base'), commands)
    const expected = expect.stringMatching(message)
    await expectRefused(image, [HOST_NAME], { code: 'LAGO_DISK_UNWRITABLE', message: expected })
  })

  const FEATURES = [
    ['quota', 'quota'],
    ['quota,project', 'quota, project'],
    ['mmp', 'mmp'],
    ['ea_inode', 'ea_inode'],
  ] as const

  test.each(FEATURES)('one with %s', async (feature, named) => {
    const image = await overlay(await tempDir(), { options: ['-O', feature] })
    const message = expect.stringMatching(new RegExp(`not written here: ${named}$`))
    await expectRefused(image, [HOST_NAME], { code: 'LAGO_DISK_UNWRITABLE', message })
  })

  test('one with data in inodes, noise, and a superblock that does not fit its checksum', async () => {
    const inline = await overlay(await tempDir(), { options: ['-O', 'inline_data'] })
    const unknown = { code: 'LAGO_DISK_UNWRITABLE', message: expect.stringMatching(/no root file system/) }
    await expectRefused(inline, [HOST_NAME], unknown)

    const noise = path.join(await tempDir(), 'noise')
    await writeFile(noise, Buffer.alloc(MIB, 0x55))
    await expectRefused({ path: noise, format: 'raw' }, [HOST_NAME], unknown)

    const dir = await tempDir()
    const broken = await makeExtImage(path.join(dir, 'base'), { fromDir: await makeTree(dir) })
    execFileSync('dd', [`of=${broken}`, 'bs=1', 'seek=1144', 'conv=notrunc', 'status=none'], { input: 'label' })
    const message = expect.stringMatching(/^debugfs could not write to .*Checksum errors in superblock/)
    await expectRefused({ path: broken, format: 'raw' }, [HOST_NAME], { code: 'LAGO_DISK_UNWRITABLE', message })
  })

  test('one that has no room for content, or none for further files', async () => {
    const image = await overlay(await tempDir())
    const huge = { kind: 'file', path: '/huge', content: Buffer.alloc(40 * MIB, 'x'), mode: 0o600 } as const
    const message = expect.stringMatching(/^the file system in the image .*top is full$/)
    await expectRefused(image, [HOST_NAME, huge], { code: 'LAGO_NO_SPACE', message })
    const few = await overlay(await tempDir(), { options: ['-N', '260'] })
    const many = Array.from({ length: 80 }, (_, number) => file(`/many/${number}`, ''))
    await expectRefused(few, [HOST_NAME, ...many], { code: 'LAGO_NO_SPACE', message })
  })
})

describe('what is in the way is refused', () => {
  async function refused(commands: readonly string[], operation: FileOperation, message: RegExp): Promise<void> {
    const dir = await tempDir()
    const image = await overlay(dir, { options: ['-b', '4096'] })
    if (commands.length > 0) debugfs(path.join(dir, 'base'), commands)
    const expected = { code: 'LAGO_DISK_UNWRITABLE', message: expect.stringMatching(message) }
    await expectRefused(image, [HOST_NAME, operation], expected)
  }

  test('a directory where a file is to be, or is to be removed', async () => {
    await refused([], file('/etc/many', ''), /"\/etc\/many" .*: it is a directory$/)
    await refused([], { kind: 'remove', path: '/etc/many' }, /it is a directory$/)
    await refused([], { kind: 'symlink', path: '/etc/many', target: 'x' }, /it is a directory$/)
  })

  test('a file where a directory is to be', async () => {
    await refused([], { kind: 'directory', path: '/etc/large', mode: 0o755 }, /"large" is not a directory$/)
    await refused([], file('/etc/large/below', ''), /"large" is not a directory$/)
  })

  test('links in circles, and links to paths without end', async () => {
    await refused(['symlink /a /b', 'symlink /b /a'], file('/a/file', ''), /links lead in circles/)
    const long = `/${'x/'.repeat(300)}`
    await refused([`symlink /a ${long}`], file('/a/file', ''), /links make the way too long/)
  })

  test('an encrypted directory, and one that does not tell names by case', async () => {
    await refused(
      ['sif /etc/many flags 0x80800'],
      file('/etc/many/new', ''),
      /encrypted, or does not tell names by case/,
    )
    await refused(['sif /etc/many flags 0x40080000'], file('/etc/many/new', ''), /does not tell names by case/)
  })

  test('a file with a block of attributes', async () => {
    const value = path.join(await tempDir(), 'value')
    await writeFile(value, 'x'.repeat(1000))
    await refused([`ea_set -f ${value} /etc/large user.x`], file('/etc/large', ''), /block of extended attributes/)
  })
})

test('links lead nowhere but into the image', async () => {
  const dir = await tempDir()
  const image = await overlay(dir)
  const outside = path.join(dir, 'outside-of-the-image')
  await mkdir(outside)
  debugfs(path.join(dir, 'base'), [`symlink /up /${'../'.repeat(20)}${outside}`, `symlink /there ${outside}`])
  await change(image, [file('/up/one', '1'), file('/there/two', '2')])
  await expectSound(task, image)
  expect(await readdir(outside)).toEqual([])
  expect(await lookAt(task, image, `${outside}/one`)).toMatchObject({ content: '1' })
  expect(await lookAt(task, image, '/there/two')).toMatchObject({ content: '2' })
})
