import { execFileSync } from 'node:child_process'
import { open, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { convertImage, createEmpty, createOverlay, findDamage, readImageInfo } from '../../../src/disk/qemu-img.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

test('converting keeps the content', async () => {
  const dir = await tempDir()
  const [rawPath, qcow2Path, backPath] = ['a.raw', 'r:t:v', 'b.raw'].map((name) => path.join(dir, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(rawPath, Buffer.alloc(1024 ** 2, 'content'))
  await convertImage(task, { path: rawPath, format: 'raw' }, { path: qcow2Path, format: 'qcow2' })
  expect(await findDamage(task, qcow2Path, 'qcow2')).toBeUndefined()
  await convertImage(task, { path: qcow2Path, format: 'qcow2' }, { path: backPath, format: 'raw' })
  expect((await readFile(backPath)).equals(await readFile(rawPath))).toBe(true)
})

test('a file of no known format is raw', async () => {
  const imagePath = path.join(await tempDir(), 'a')
  await writeFile(imagePath, Buffer.alloc(4096, 'x'))
  expect(await readImageInfo(task, imagePath)).toEqual({
    format: 'raw',
    virtualSizeBytes: 4096,
    backingPath: undefined,
    backingFormat: undefined,
    dataPath: undefined,
    snapshots: [],
  })
})

test('a second file that holds the data is seen', async () => {
  const dir = await tempDir()
  const imagePath = path.join(dir, 'a.qcow2')
  const dataPath = path.join(dir, 'data.raw')
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', `data_file=${dataPath}`, imagePath, '1M'])
  expect(await readImageInfo(task, imagePath)).toMatchObject({ dataPath })
})

test('a damaged image says why', async () => {
  const imagePath = path.join(await tempDir(), 'a.qcow2')
  await createEmpty(task, imagePath, 'qcow2', 1024 ** 2)
  const file = await open(imagePath, 'r+')
  await file.write(Buffer.alloc(65536, 0xff), 0, 65536, 65536) // the refcount table
  await file.close()
  expect(await findDamage(task, imagePath, 'qcow2')).toMatch(/refcount|Invalid/)
  expect(await findDamage(task, imagePath, 'vmdk')).toBeUndefined()
})

test.each([
  ['create', async () => createEmpty(task, 'r:t:v', 'raw', 512)],
  ['backing', async () => createOverlay(task, '/tmp/x', { path: 'r:t:v', format: 'raw' })],
  ['info', async () => readImageInfo(task, 'r:t:v')],
])('a relative path is a mistake of the caller: %s', async (_, call) => {
  await expect(call()).rejects.toThrow('not an absolute path for qemu-img: r:t:v')
})
