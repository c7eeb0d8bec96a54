import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../../src/base/errors.js'
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
  ['ext4 with clusters of several blocks', 'ext4', ['-b', '1024', '-O', 'bigalloc']],
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
    const { messages, out } = await unpacked(await opened(imagePath), '/etc', dir)
    expect(messages).toEqual(['left out etc/again: the directory is in two places'])
    expect(await readFile(path.join(out, 'good'), 'utf8')).toBe('good')
  })

  test('a file whose blocks lie beyond the end is left out, the others are not', async () => {
    const { imagePath, dir } = await withFile()
    debugfs(imagePath, ['set_inode_field /etc/evil-name block[IND] 4294967295', 'sif /etc/evil-name block[5] 99999999'])
    const { messages, out } = await unpacked(await opened(imagePath), '/etc', dir)
    expect(messages).toEqual([expect.stringContaining('left out etc/evil-name: the ext4 file system is damaged')])
    expect(await readFile(path.join(out, 'good'), 'utf8')).toBe('good')
  })

  const HOPELESS = [
    ['a size that no file has', ['sif /etc/evil-name size 1152921504606846976']],
    ['an extent tree without a mark', ['sif /etc/evil-name block[0] 0']],
    ['extents in a node that is its own child', ['sif /etc/evil-name block[0] 0x0001f30a', 'sif /etc/evil-name block[1] 0x00050004', 'sif /etc/evil-name block[4] 1']], // prettier-ignore
    ['a link whose target has a NUL in it', ['rm /etc/evil-name', `symlink /etc/evil-name ${'t'.repeat(200)}`]],
  ] as const

  test.each(HOPELESS)('a file with %s is left out, the others are not', async (_, commands) => {
    const { imagePath, dir } = await withFile()
    debugfs(imagePath, commands)
    const content = await readFile(imagePath)
    const target = content.indexOf('t'.repeat(200))
    if (target !== -1) content[target + 150] = 0
    await writeFile(imagePath, content)
    const { messages, out } = await unpacked(await opened(imagePath), '/etc', dir)
    expect(messages).toEqual([expect.stringContaining('left out etc/evil-name: the ext4 file system is damaged')])
    expect(await readdir(out)).toEqual(['good'])
    expect(await readFile(path.join(out, 'good'), 'utf8')).toBe('good')
  })

  test('a time before all times and a name that grows too long are no reason to lose the others', async () => {
    const { imagePath, dir } = await withFile()
    debugfs(imagePath, ['sif /etc/good mtime -86400', `ln /etc/evil-name /etc/${'x'.repeat(200)}`])
    const content = await readFile(imagePath)
    content.fill(0xff, content.indexOf('x'.repeat(200)), content.indexOf('x'.repeat(200)) + 200) // no UTF-8
    await writeFile(imagePath, content)
    const { messages, out } = await unpacked(await opened(imagePath), '/etc', dir)
    expect(messages).toEqual([expect.stringMatching(/^left out etc\/\ufffd+: its name is too long$/)])
    expect((await readdir(out)).sort()).toEqual(['evil-name', 'good'])
  })

  test.each([0, 1, 129, 384, 1000, 4095, 8192])('inodes of %i bytes: it is not opened', async (inodeSize) => {
    const { imagePath } = await withFile()
    const content = await readFile(imagePath)
    content.writeUInt16LE(inodeSize, 1024 + 0x58)
    await writeFile(imagePath, content)
    expect(await openExt4(task, await sourceOf(imagePath))).toBeUndefined()
  })

  test('a hole of many TiB ends with an abort', async () => {
    const { imagePath } = await withFile()
    debugfs(imagePath, [`sif /etc/evil-name size ${2 ** 41}`])
    const recorded = recordedTask()
    const fs = await opened(imagePath)
    const inode = await findPath(task, fs, '/etc/evil-name')
    if (inode === undefined) throw new Error('not found')
    const readAll = async (): Promise<void> => {
      for await (const piece of await fs.content(recorded.task, inode)) expect(piece.length).toBeGreaterThan(0)
    }
    setImmediate(() => recorded.abort(new Error('enough')))
    await expect(readAll()).rejects.toThrow('enough')
  })

  /** A damaged size may ask for more zeros than a test has time for. */
  const ENOUGH_BYTES = 16 * 1024 ** 2

  test('random damage ends in an error or in less, never in a hang or in another kind of failure', async () => {
    const { imagePath } = await withFile()
    const sound = await readFile(imagePath)
    const places = placesOfFacts(sound)
    let [whole, bytes] = [0, 0]
    for (let round = 0; round < 30; round++) {
      const content = Buffer.from(sound)
      for (let hit = 0; hit < 1 + 2 * round; hit++) {
        const at = places[(round * 7919 + hit * 104_729) % places.length] ?? 0
        content.writeUInt8((round * 37 + hit * 11) % 256, at)
      }
      const outcome = await readAll(content).catch((error: unknown) => error as { code?: string })
      if (typeof outcome === 'number') [whole, bytes] = [whole + 1, bytes + outcome]
      else expect(outcome.code).toBe('LAGO_DISK_UNREADABLE')
    }
    expect(whole).toBeGreaterThan(10) // or the damage hid what it was to show
    expect(bytes).toBeGreaterThan(10 * 1024)
  })

  /** Every byte of the image that is not zero: what stands in superblock, descriptors, inodes and directories. */
  function placesOfFacts(content: Buffer): number[] {
    return Array.from(content.subarray(0, 8 * 1024 ** 2).entries()).flatMap(([at, byte]) => (byte === 0 ? [] : [at]))
  }

  /** Everything in it through a tar stream; gives the length of that. */
  async function readAll(content: Buffer): Promise<number> {
    const source: BlockSource = {
      sizeBytes: content.length,
      read: async (_task, offset, length) => {
        if (offset + length > content.length) throw new LagoError('LAGO_DISK_UNREADABLE', 'beyond the end')
        return content.subarray(offset, offset + length)
      },
    }
    const fs = await openExt4(task, source)
    if (fs === undefined) return 0
    const inode = await fs.inode(task, fs.root)
    let bytes = 0
    for await (const chunk of packTree(task, fs, [{ name: 'root', inode }])) {
      bytes += (chunk as Buffer).length // as the stream was made
      if (bytes > ENOUGH_BYTES) break
    }
    return bytes
  }
})

async function unpacked(fs: Ext4, from: string, dir: string): Promise<{ messages: string[]; out: string }> {
  const inode = await findPath(task, fs, from)
  if (inode === undefined) throw new Error(`${from} is missing`)
  const recorded = recordedTask()
  const name = path.basename(from)
  const stream = packTree(recorded.task, fs, [{ name, inode }])
  await unpackFromGuest(task, stream, path.join(dir, 'out'), { what: name })
  return { messages: recorded.messages(), out: path.join(dir, 'out', name) }
}

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
