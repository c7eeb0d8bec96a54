import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { compressFile, decompressFile } from '../../../src/disk/compress.js'
import { compressionOf, suffixOf } from '../../../src/disk/compression.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

/** Bytes, a hole of 8 MiB, bytes, and a length that is no multiple of any block. */
const CONTENT = Buffer.concat([randomBytes(70_001), Buffer.alloc(8 * 1024 ** 2), randomBytes(100_003)])

const digestsOf = (content: Buffer): object => ({
  sha1: createHash('sha1').update(content).digest('hex'),
  sha256: createHash('sha256').update(content).digest('hex'),
  sizeBytes: content.length,
})

describe.each(['xz', 'zstd', 'gzip'] as const)('%s', (compression) => {
  test('there and back gives the same bytes, with holes, and the digests of what is in it', async () => {
    const dir = await tempDir()
    const [image, back] = [path.join(dir, '-a b.img'), path.join(dir, 'back')]
    const packed = `${image}${suffixOf(compression)}`
    await writeFile(image, CONTENT)
    expect(await compressFile(task, image, packed, compression)).toEqual(digestsOf(CONTENT))
    expect((await stat(packed)).size).toBeLessThan(CONTENT.length / 2)
    expect(await compressionOf(packed)).toBe(compression)
    await decompressFile(task, packed, back)
    expect((await readFile(back)).equals(CONTENT)).toBe(true)
    expect((await stat(back)).blocks * 512).toBeLessThan(1024 ** 2)
  })

  test('is what the system programs read and write', async () => {
    const image = path.join(await tempDir(), 'a')
    await writeFile(image, CONTENT)
    await compressFile(task, image, `${image}${suffixOf(compression)}`, compression)
    const content = execFileSync(compression, ['-dc', `${image}${suffixOf(compression)}`], { maxBuffer: 2 ** 25 })
    expect(content.equals(CONTENT)).toBe(true)
  })

  test('an empty file stays one', async () => {
    const image = path.join(await tempDir(), 'a')
    await writeFile(image, '')
    await compressFile(task, image, `${image}.packed`, compression)
    await decompressFile(task, `${image}.packed`, `${image}.back`)
    expect((await stat(`${image}.back`)).size).toBe(0)
  })

  test('a damaged file is an error, not a shorter image', async () => {
    const image = path.join(await tempDir(), 'a')
    await writeFile(image, CONTENT)
    await compressFile(task, image, `${image}.packed`, compression)
    const packed = await readFile(`${image}.packed`)
    await writeFile(`${image}.cut`, packed.subarray(0, packed.length - 1000))
    await expect(decompressFile(task, `${image}.cut`, `${image}.back`)).rejects.toMatchObject({
      code: 'LAGO_COMMAND_FAILED',
      message: expect.stringContaining(`${compression} --decompress`),
    })
  })
})

test('a full disk is named', async () => {
  const dir = await tempDir()
  const image = path.join(dir, 'a')
  await writeFile(image, randomBytes(1024 ** 2))
  await expect(compressFile(task, image, path.join(dir, 'none', 'b'), 'zstd')).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(compressFile(task, image, '/dev/full', 'zstd')).rejects.toMatchObject({ code: 'LAGO_NO_SPACE' })
})

test('an abort ends it', async () => {
  const image = path.join(await tempDir(), 'a')
  await writeFile(image, CONTENT)
  const { task, abort } = recordedTask()
  const reason = new Error('enough')
  const running = compressFile(task, image, `${image}.xz`, 'xz')
  abort(reason)
  await expect(running).rejects.toBe(reason)
})

test('a program that is not there is named with its package', async () => {
  const image = path.join(await tempDir(), 'a')
  await writeFile(image, CONTENT)
  const kept = process.env['PATH']
  process.env['PATH'] = '/nonexistent'
  try {
    await expect(compressFile(task, image, `${image}.xz`, 'xz')).rejects.toMatchObject({
      code: 'LAGO_COMMAND_MISSING',
      hint: 'install the package xz-utils',
    })
  } finally {
    process.env['PATH'] = kept
  }
})

test('the content says how it is compressed, whatever its name', async () => {
  const file = path.join(await tempDir(), 'a.xz')
  await writeFile(file, 'not compressed at all')
  expect(await compressionOf(file)).toBeUndefined()
  await writeFile(file, '')
  expect(await compressionOf(file)).toBeUndefined()
  await writeFile(file, gzipSync('x'))
  expect(await compressionOf(file)).toBe('gzip')
  expect(await compressionOf(path.dirname(file))).toBeUndefined()
  expect(await compressionOf(`${file}.gone.xz`)).toBeUndefined()
})
