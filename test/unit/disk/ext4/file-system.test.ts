import { createHash, randomBytes } from 'node:crypto'
import { appendFile, link, mkdir, open, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { BlockSource } from '../../../../src/disk/block-source.js'
import { openExt4, type Ext4 } from '../../../../src/disk/ext4/file-system.js'
import { expandPath, findPath } from '../../../../src/disk/ext4/paths.js'
import { packTree } from '../../../../src/disk/ext4/tar.js'
import { unpackFromGuest } from '../../../../src/guest/unpack.js'
import { debugfs, makeExtImage } from '../../../helpers/ext4-image.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

async function sourceOf(imagePath: string): Promise<BlockSource> {
  const content = await readFile(imagePath)
  return {
    sizeBytes: content.length,
    read: async (_task, offset, length) => {
      if (offset + length > content.length) throw new Error('beyond the end')
      return content.subarray(offset, offset + length)
    },
  }
}

async function opened(imagePath: string): Promise<Ext4> {
  const fs = await openExt4(task, await sourceOf(imagePath))
  if (fs === undefined) throw new Error('not an ext file system')
  return fs
}

async function textAt(fs: Ext4, filePath: string): Promise<string | undefined> {
  const inode = await findPath(task, fs, filePath)
  if (inode === undefined) return undefined
  const pieces: Buffer[] = []
  for await (const piece of await fs.content(task, inode)) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

async function pathsAt(fs: Ext4, pattern: string): Promise<string[]> {
  return (await expandPath(task, fs, pattern)).map((found) => found.path)
}

const KINDS = [
  ['ext2 with blocks of 1 KiB', 'ext2', ['-b', '1024']],
  ['ext3', 'ext3', ['-b', '4096']],
  ['ext4', 'ext4', []],
  ['ext4 with blocks of 1 KiB and old inodes', 'ext4', ['-b', '1024', '-I', '128']],
  ['ext4 without 64 bits and checksums', 'ext4', ['-O', '^64bit,^metadata_csum']],
  ['ext4 with descriptors in each group', 'ext4', ['-b', '1024', '-O', 'meta_bg,^resize_inode', '-g', '1024']],
] as const

test.each(KINDS)('%s: files, holes, many entries and links are read as they were written', async (_, type, options) => {
  const dir = await tempDir()
  const tree = path.join(dir, 'tree')
  await mkdir(path.join(tree, 'many'), { recursive: true })
  const large = randomBytes(700_001)
  await writeFile(path.join(tree, 'large'), large)
  const holes = await open(path.join(tree, 'holes'), 'w')
  await holes.write('end', 900_000)
  await holes.close()
  for (let number = 0; number < 300; number++)
    await writeFile(path.join(tree, 'many', `entry-${number}-with-a-name`), '')
  await symlink('large', path.join(tree, 'short'))
  await symlink(`./${'./'.repeat(60)}large`, path.join(tree, 'long'))
  const fs = await opened(await makeExtImage(path.join(dir, 'disk'), { fromDir: tree, type, options }))

  const digest = async (name: string): Promise<string> => {
    const inode = await findPath(task, fs, name)
    if (inode === undefined) throw new Error(`${name} is missing`)
    const hash = createHash('sha256')
    for await (const piece of await fs.content(task, inode)) hash.update(piece)
    return hash.digest('hex')
  }
  const expected = createHash('sha256').update(large).digest('hex')
  for (const name of ['/large', '/short', '/long']) expect(await digest(name)).toBe(expected)
  expect(await digest('/holes')).toBe(
    createHash('sha256')
      .update(await readFile(path.join(tree, 'holes')))
      .digest('hex'),
  )
  expect(await pathsAt(fs, '/many/*')).toHaveLength(300)
  expect(await pathsAt(fs, '/many/entry-29?-*')).toHaveLength(10)
})

describe('paths', () => {
  const imageOf = async (fill: (tree: string) => Promise<void>): Promise<Ext4> => {
    const dir = await tempDir()
    await mkdir(path.join(dir, 'tree'))
    await fill(path.join(dir, 'tree'))
    return opened(await makeExtImage(path.join(dir, 'disk'), { fromDir: path.join(dir, 'tree') }))
  }

  test('links are followed within the root, upwards and absolute ones too, and those in a circle lead nowhere', async () => {
    const fs = await imageOf(async (tree) => {
      await mkdir(path.join(tree, 'etc'))
      await mkdir(path.join(tree, 'deep'))
      await writeFile(path.join(tree, 'etc/passwd'), 'of the guest')
      await symlink('/etc/passwd', path.join(tree, 'absolute'))
      await symlink('../../../../../etc/passwd', path.join(tree, 'deep/climbing'))
      await symlink('/etc', path.join(tree, 'deep/dir'))
      await symlink('circle', path.join(tree, 'circle'))
      await symlink('/nowhere', path.join(tree, 'dangling'))
    })
    for (const name of ['/absolute', '/deep/climbing', '/deep/dir/passwd', '/../etc/./passwd'])
      expect(await textAt(fs, name)).toBe('of the guest')
    for (const name of ['/circle', '/dangling', '/etc/passwd/below', '/missing'])
      expect(await findPath(task, fs, name)).toBeUndefined()
  })

  test('names with any characters are met, and an exact name comes before a pattern', async () => {
    const names = [
      'a b',
      '-dash',
      `q'uo"te`,
      'new\nline',
      'gl*b[1]',
      'globb1',
      '.hidden',
      'ünï',
      '$(id)',
      'back\\slash',
    ]
    const fs = await imageOf(async (tree) => {
      for (const name of names) await writeFile(path.join(tree, name), name)
    })
    for (const name of names) expect(await textAt(fs, `/${name}`)).toBe(name)
    const all = names.filter((name) => !name.startsWith('.')).map((name) => `/${name}`)
    expect(await pathsAt(fs, '/*')).toEqual([...all, '/lost+found'].sort())
    expect(await pathsAt(fs, '/gl*b[1]')).toEqual(['/gl*b[1]'])
    expect(await pathsAt(fs, '/gl*b[!x]')).toEqual(['/globb1'])
    expect(await pathsAt(fs, '/.h*')).toEqual(['/.hidden'])
    expect(await pathsAt(fs, '/[a-h] b')).toEqual(['/a b'])
    expect(await pathsAt(fs, '/none*')).toEqual([])
  })
})

describe('a tar stream of what was found', () => {
  test('is unpacked with content, modes, times, links and sparse files; sockets and pipes are left out', async () => {
    const dir = await tempDir()
    const tree = path.join(dir, 'tree')
    const longName = 'n'.repeat(200)
    await mkdir(path.join(tree, 'logs', longName), { recursive: true })
    await writeFile(path.join(tree, 'logs', longName, 'new\nline'), 'x', { mode: 0o640 })
    await writeFile(path.join(tree, 'logs/two'), 'two')
    await link(path.join(tree, 'logs/two'), path.join(tree, 'logs/also-two'))
    await symlink('two', path.join(tree, 'logs/link'))
    const imagePath = await makeExtImage(path.join(dir, 'disk'), { fromDir: tree })
    debugfs(imagePath, ['mknod /logs/pipe p', 'mknod /logs/device c 1 1'])
    const fs = await opened(imagePath)
    const [found] = await expandPath(task, fs, '/logs')
    if (found === undefined) throw new Error('not found')
    const target = path.join(dir, 'out')
    await unpackFromGuest(task, packTree(task, fs, [{ name: '_logs', inode: found.inode }]), target, { what: 'logs' })

    const read = async (name: string): Promise<string> => readFile(path.join(target, '_logs', name), 'utf8')
    expect(await read(`${longName}/new\nline`)).toBe('x')
    expect([await read('two'), await read('also-two'), await read('link')]).toEqual(['two', 'two', 'two'])
    await expect(read('pipe')).rejects.toThrow('ENOENT')
    await expect(read('device')).rejects.toThrow('ENOENT')
  })
})

describe('a hostile or damaged file system', () => {
  const withFile = async (): Promise<{ imagePath: string; dir: string }> => {
    const dir = await tempDir()
    await mkdir(path.join(dir, 'tree/etc'), { recursive: true })
    await writeFile(path.join(dir, 'tree/etc/evil-name'), 'evil')
    await writeFile(path.join(dir, 'tree/etc/good'), 'good')
    return {
      dir,
      imagePath: await makeExtImage(path.join(dir, 'disk'), {
        fromDir: path.join(dir, 'tree'),
        options: ['-O', '^metadata_csum'],
      }),
    }
  }

  test.each(['../../evil', '/evil-name', '..\0......', 'a/../../ab'])('a name like %j is not there', async (name) => {
    const { imagePath } = await withFile()
    const content = await readFile(imagePath)
    const at = content.indexOf('evil-name')
    content.write(name.padEnd(9, '_').slice(0, 9), at, 'latin1')
    await writeFile(imagePath, content)
    expect(await pathsAt(await opened(imagePath), '/etc/*')).toEqual(['/etc/good'])
  })

  test('a directory that holds itself is met once, and the walk ends', async () => {
    const { imagePath, dir } = await withFile()
    debugfs(imagePath, ['ln /etc /etc/again'])
    const fs = await opened(imagePath)
    const inode = await findPath(task, fs, '/etc')
    if (inode === undefined) throw new Error('not found')
    const recorded = recordedTask()
    await unpackFromGuest(task, packTree(recorded.task, fs, [{ name: 'etc', inode }]), path.join(dir, 'out'), {
      what: 'etc',
    })
    expect(recorded.messages()).toEqual(['left out etc/again: the directory is in two places'])
    expect(await readFile(path.join(dir, 'out/etc/good'), 'utf8')).toBe('good')
  })

  test('a file whose blocks lie beyond the end is left out, the others are not', async () => {
    const { imagePath, dir } = await withFile()
    debugfs(imagePath, ['set_inode_field /etc/evil-name block[IND] 4294967295', 'sif /etc/evil-name block[5] 99999999'])
    const fs = await opened(imagePath)
    const inode = await findPath(task, fs, '/etc')
    if (inode === undefined) throw new Error('not found')
    const recorded = recordedTask()
    await unpackFromGuest(task, packTree(recorded.task, fs, [{ name: 'etc', inode }]), path.join(dir, 'out'), {
      what: 'etc',
    })
    expect(recorded.messages()).toEqual([
      expect.stringContaining('left out etc/evil-name: the ext4 file system is damaged'),
    ])
    expect(await readFile(path.join(dir, 'out/etc/good'), 'utf8')).toBe('good')
  })

  test('random damage ends in an error or in less, never in a hang or in another kind of failure', async () => {
    const { imagePath, dir } = await withFile()
    const sound = await readFile(imagePath)
    for (let round = 0; round < 20; round++) {
      const content = Buffer.from(sound)
      for (let hit = 0; hit < 200; hit++)
        content.writeUInt8((round * 37 + hit) % 256, (round * 7919 + hit * 104_729) % 400_000)
      const source: BlockSource = {
        sizeBytes: content.length,
        read: async (_task, offset, length) => content.subarray(offset, offset + length),
      }
      const outcome = await readAll(source, path.join(dir, `out-${round}`)).catch((error: unknown) => error)
      expect([undefined, 'LAGO_DISK_UNREADABLE']).toContain((outcome as { code?: string } | undefined)?.code)
    }
  })

  async function readAll(source: BlockSource, target: string): Promise<undefined> {
    const fs = await openExt4(task, source)
    const inode = fs === undefined ? undefined : await findPath(task, fs, '/etc')
    if (fs === undefined || inode === undefined || inode.sizeBytes > 1024 ** 2) return undefined
    for (const entry of await fs.entries(task, inode)) await fs.inode(task, entry.inode)
    await appendFile(target, '')
    return undefined
  }
})

test('what is in the journal only is there, and what a later transaction revoked is not', async () => {
  const dir = await tempDir()
  await mkdir(path.join(dir, 'tree/etc'), { recursive: true })
  await writeFile(path.join(dir, 'tree/etc/file'), 'old'.padEnd(4096, ' '))
  const imagePath = await makeExtImage(path.join(dir, 'disk'), {
    fromDir: path.join(dir, 'tree'),
    options: ['-b', '4096'],
  })
  const block = /(\d+)/.exec(debugfs(imagePath, ['blocks /etc/file']).split('\n').at(-2) ?? '')?.[1] ?? ''
  expect(block).not.toBe('')
  await writeFile(path.join(dir, 'new'), 'new'.padEnd(4096, ' '))
  debugfs(imagePath, ['jo', `jw -b ${block} ${path.join(dir, 'new')}`, 'jc'])
  expect((await textAt(await opened(imagePath), '/etc/file'))?.trim()).toBe('new')
  debugfs(imagePath, ['jo', `jw -r ${block}`, 'jc'])
  expect((await textAt(await opened(imagePath), '/etc/file'))?.trim()).toBe('old')
})

test('what is no ext file system, and one with unknown features, is not opened', async () => {
  const dir = await tempDir()
  const tree = path.join(dir, 'tree')
  await mkdir(tree)
  await writeFile(path.join(dir, 'noise'), Buffer.alloc(65536, 7))
  expect(await openExt4(task, await sourceOf(path.join(dir, 'noise')))).toBeUndefined()
  const options = ['-O', 'inline_data']
  const imagePath = await makeExtImage(path.join(dir, 'disk'), { fromDir: tree, options })
  expect(await openExt4(task, await sourceOf(imagePath))).toBeUndefined()
})
