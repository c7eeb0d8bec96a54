import { execFileSync } from 'node:child_process'
import { mkdir, open, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { createDisk, type DiskRequest } from '../../../src/disk/create.js'
import { readImageInfo } from '../../../src/disk/qemu-img.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

async function rawImage(imagePath: string): Promise<string> {
  await mkdir(path.dirname(imagePath), { recursive: true })
  execFileSync('qemu-img', ['create', '-q', '-f', 'raw', imagePath, '1M'])
  return imagePath
}

describe('an overlay', () => {
  test.each(['base.raw', 'repo:template:v1', 'a,b=c %d', 'json:{}', 'ünï code'])('is laid over %j', async (name) => {
    const dir = await tempDir()
    const backing = { path: await rawImage(path.join(dir, 'st:ore', name)), format: 'raw' } as const
    const imagePath = path.join(dir, 'vm0_root.qcow2')
    await createDisk(task, { kind: 'overlay', path: imagePath, backing })
    expect(await readImageInfo(task, imagePath)).toEqual({
      format: 'qcow2',
      virtualSizeBytes: 1024 ** 2,
      backingPath: backing.path,
      backingFormat: 'raw',
      dataPath: undefined,
      snapshots: [],
    })
  })

  test('names the format of its backing file and delays refcounts', async () => {
    const dir = await tempDir()
    const basePath = path.join(dir, 'base.qcow2')
    await createDisk(task, { kind: 'empty', path: basePath, format: 'qcow2', sizeBytes: 1024 ** 2 })
    const imagePath = path.join(dir, 'a.qcow2')
    await createDisk(task, { kind: 'overlay', path: imagePath, backing: { path: basePath, format: 'qcow2' } })
    expect(
      JSON.parse(execFileSync('qemu-img', ['info', '--output=json', imagePath], { encoding: 'utf8' })),
    ).toMatchObject({
      'backing-filename-format': 'qcow2',
      'format-specific': { data: { 'lazy-refcounts': true } },
    })
  })
})

describe('an empty disk', () => {
  test.each(['qcow2', 'raw'] as const)('of format %s has its size and takes little space', async (format) => {
    const imagePath = path.join(await tempDir(), `a.${format}`)
    await createDisk(task, { kind: 'empty', path: imagePath, format, sizeBytes: 8 * 1024 ** 3 })
    expect(await readImageInfo(task, imagePath)).toMatchObject({ format, virtualSizeBytes: 8 * 1024 ** 3 })
    expect((await stat(imagePath)).blocks * 512).toBeLessThan(16 * 1024 ** 2)
  })
})

describe('a copy', () => {
  test('has the content, keeps its holes, and is a file of its own', async () => {
    const dir = await tempDir()
    const fromPath = path.join(dir, '-odd name.raw')
    const file = await open(fromPath, 'w')
    await file.truncate(64 * 1024 ** 2)
    await file.write('end', 64 * 1024 ** 2 - 3)
    await file.close()
    const copyPath = path.join(dir, 'copy.raw')
    await createDisk(task, { kind: 'copy', path: copyPath, fromPath })
    expect((await readFile(copyPath)).equals(await readFile(fromPath))).toBe(true)
    expect((await stat(copyPath)).blocks * 512).toBeLessThan(1024 ** 2)
    await writeFile(copyPath, 'changed')
    expect((await stat(fromPath)).size).toBe(64 * 1024 ** 2)
  })
})

test.each<[string, (dir: string) => DiskRequest]>([
  [
    'overlay',
    (dir) => ({ kind: 'overlay', path: path.join(dir, 'a'), backing: { path: path.join(dir, 'src'), format: 'raw' } }),
  ],
  ['empty', (dir) => ({ kind: 'empty', path: path.join(dir, 'a'), format: 'raw', sizeBytes: 1024 })],
  ['copy', (dir) => ({ kind: 'copy', path: path.join(dir, 'a'), fromPath: path.join(dir, 'src') })],
])('an %s replaces what was there, for its owner only', async (_, requestIn) => {
  const dir = await tempDir()
  await rawImage(path.join(dir, 'src'))
  const other = path.join(dir, 'other')
  await writeFile(other, 'untouched')
  await symlink(other, path.join(dir, 'a'))
  await createDisk(task, requestIn(dir))
  const { mode } = await stat(path.join(dir, 'a'))
  expect(mode & 0o7777).toBe(0o600)
  expect(await readFile(other, 'utf8')).toBe('untouched')
})

describe('a source that cannot be used', () => {
  const kinds: [string, string, string, (dir: string, source: string) => DiskRequest][] = [
    [
      'overlay',
      'LAGO_DISK_BACKING',
      'the backing file',
      (dir, source) => ({ kind: 'overlay', path: path.join(dir, 'a'), backing: { path: source, format: 'raw' } }),
    ],
    [
      'copy',
      'LAGO_DISK_MISSING',
      'the file to copy',
      (dir, source) => ({ kind: 'copy', path: path.join(dir, 'a'), fromPath: source }),
    ],
    ['in-place', 'LAGO_DISK_MISSING', 'the disk file', (_, source) => ({ kind: 'in-place', path: source })],
  ]
  test.each(kinds)('of an %s disk is named, and the old image stays', async (_, code, noun, requestFor) => {
    const dir = await tempDir()
    await writeFile(path.join(dir, 'a'), 'old')
    const missing = path.join(dir, 'missing')
    await expect(createDisk(task, requestFor(dir, missing))).rejects.toMatchObject({
      code,
      message: `${noun} ${missing} does not exist`,
    })
    await expect(createDisk(task, requestFor(dir, dir))).rejects.toMatchObject({
      code,
      message: `${noun} ${dir} is a directory`,
    })
    const below = path.join(dir, 'a', 'b')
    await expect(createDisk(task, requestFor(dir, below))).rejects.toMatchObject({
      code,
      message: `${noun} ${below} does not exist`,
    })
    expect(await readFile(path.join(dir, 'a'), 'utf8')).toBe('old')
  })

  test.each(kinds.slice(0, 2))(
    'an %s of the disk itself is refused, and the disk stays',
    async (_, code, noun, requestFor) => {
      const dir = await tempDir()
      const link = path.join(await tempDir(), 'link')
      await symlink(dir, link)
      await rawImage(path.join(dir, 'a'))
      const source = path.join(link, 'a')
      await expect(createDisk(task, requestFor(dir, source))).rejects.toMatchObject({
        code,
        message: `${noun} ${source} is the disk itself`,
      })
      expect((await stat(path.join(dir, 'a'))).size).toBe(1024 ** 2)
    },
  )
})

test('a file used in place is left as it is', async () => {
  const imagePath = await rawImage(path.join(await tempDir(), 'own.raw'))
  const before = await stat(imagePath)
  await createDisk(task, { kind: 'in-place', path: imagePath })
  expect((await stat(imagePath)).mode).toBe(before.mode)
})

test('what qemu-img refuses leaves nothing behind and says why', async () => {
  const dir = await tempDir()
  const imagePath = path.join(dir, 'a.qcow2')
  const backing = { path: await rawImage(path.join(dir, 'base')), format: 'qcow2' } as const // it is raw
  await expect(createDisk(task, { kind: 'overlay', path: imagePath, backing })).rejects.toMatchObject({
    code: 'LAGO_COMMAND_FAILED',
    message: expect.stringContaining('not in qcow2 format'),
  })
  await expect(stat(imagePath)).rejects.toMatchObject({ code: 'ENOENT' })
})
