import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { createDigester } from '../../../src/disk/checksum.js'
import { contentDigest } from '../../../src/disk/content-digest.js'
import { filtered } from '../../../src/disk/filter.js'
import { receiveImage } from '../../../src/disk/receive.js'
import { gone } from '../../helpers/processes.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()
const MIB = 1024 ** 2
const CONTENT = Buffer.concat([randomBytes(70_001), Buffer.alloc(8 * MIB), randomBytes(100_003)])

async function* inPieces(content: Buffer, size: number): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size)
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex')

function packed(content: Buffer, program: string): Buffer {
  return execFileSync(program, ['-c'], { input: content, maxBuffer: 2 ** 26 })
}

describe.each([1, 5, 4096, 1_000_000])('in pieces of %i bytes', (size) => {
  test.each(['xz', 'zstd', 'gzip'])('what %s has packed is unpacked, and both are hashed', async (program) => {
    if (size === 1 && program === 'gzip') return // gzip hardly packs the noise: a hundred thousand pieces say no more
    const toPath = path.join(await tempDir(), 'image')
    const served = packed(CONTENT, program)
    const received = await receiveImage(task, inPieces(served, Math.max(size, served.length / 5000)), toPath, {
      digests: ['sha256'],
      from: 'somewhere',
    })
    expect(received.served).toEqual({ sha256: sha256(served), sizeBytes: served.length })
    expect(received.image).toEqual({ sha256: sha256(CONTENT), sizeBytes: CONTENT.length })
    expect((await readFile(toPath)).equals(CONTENT)).toBe(true)
    expect((await stat(toPath)).blocks * 512).toBeLessThan(MIB)
  })
})

test('what is not compressed is kept as it is; zeros become holes', async () => {
  const toPath = path.join(await tempDir(), 'image')
  const received = await receiveImage(task, inPieces(CONTENT, 65_537), toPath, { digests: ['sha256'], from: 'x' })
  const digests = { sha256: sha256(CONTENT), sizeBytes: CONTENT.length }
  expect(received).toEqual({ compression: undefined, served: digests, image: digests, content: undefined })
  expect((await readFile(toPath)).equals(CONTENT)).toBe(true)
  expect((await stat(toPath)).blocks * 512).toBeLessThan(MIB)
  expect((await stat(toPath)).mode & 0o777).toBe(0o600)
})

describe('the digest of what is in it is that of the file', () => {
  test.each(['', 'zstd'])('when it is raw, packed with "%s"', async (program) => {
    const toPath = path.join(await tempDir(), 'image')
    const served = program === '' ? CONTENT : packed(CONTENT, program)
    const options = { digests: [], from: 'x', withContent: true }
    const { content } = await receiveImage(task, inPieces(served, 50_001), toPath, options)
    expect(content).toBe(await contentDigest(task, toPath))
  })

  test('and is not there for another format', async () => {
    const dir = await tempDir()
    const image = path.join(dir, 'image')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '1M'])
    const options = { digests: [], from: 'x', withContent: true }
    const received = await receiveImage(task, inPieces(await readFile(image), 512), path.join(dir, 'to'), options)
    expect(received.content).toBeUndefined()
  })
})

test.each([0, 1, 5])('a stream of %i bytes is a file of as many', async (size) => {
  const toPath = path.join(await tempDir(), 'image')
  await receiveImage(task, inPieces(Buffer.alloc(size, 1), 2), toPath, { digests: [], from: 'x' })
  expect((await stat(toPath)).size).toBe(size)
})

describe('a bomb', () => {
  test('that holds more than its image announces is refused', async () => {
    const dir = await tempDir()
    const image = path.join(dir, 'image')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '1M'])
    await truncate(image, 300 * MIB)
    const served = packed(await readFile(image), 'zstd')
    const receiving = receiveImage(task, inPieces(served, 100), path.join(dir, 'to'), {
      digests: [],
      from: 'http://x/y',
    })
    await expect(receiving).rejects.toMatchObject({
      code: 'LAGO_IMAGE_TOO_LARGE',
      message: expect.stringMatching(/^http:\/\/x\/y unpacks to more than the 68222976 bytes that it announces$/),
    })
  })

  test('that holds more than was said of it elsewhere is refused', async () => {
    const toPath = path.join(await tempDir(), 'image')
    const served = packed(Buffer.alloc(3 * MIB), 'xz')
    const options = { digests: [], from: 'x', sizeBytes: 2 * MIB }
    await expect(receiveImage(task, inPieces(served, 100), toPath, options)).rejects.toMatchObject({
      code: 'LAGO_IMAGE_TOO_LARGE',
    })
    await receiveImage(task, inPieces(served, 100), toPath, { ...options, sizeBytes: 3 * MIB })
  })
})

describe('what goes wrong on the way is told as it is:', () => {
  test('a source that breaks, whether or not something unpacks', async () => {
    const toPath = path.join(await tempDir(), 'image')
    const broken = new Error('the line is dead')
    async function* breaking(start: Buffer): AsyncGenerator<Buffer, void, void> {
      yield start
      throw broken
    }
    const receiving = async (start: Buffer): Promise<unknown> =>
      receiveImage(task, breaking(start), toPath, { digests: [], from: 'x' })
    await expect(receiving(randomBytes(1000))).rejects.toBe(broken)
    await expect(receiving(gzipSync(randomBytes(100_000)).subarray(0, 50_000))).rejects.toBe(broken)
  })

  test.each(['xz', 'zstd', 'gzip'])('a stream of %s that is cut off, or damaged', async (program) => {
    const toPath = path.join(await tempDir(), 'image')
    const served = packed(CONTENT, program)
    const damaged = Buffer.from(served)
    damaged.fill(0xff, 50_000, 60_000)
    for (const wrong of [served.subarray(0, served.length - 20), damaged])
      await expect(receiveImage(task, inPieces(wrong, 4096), toPath, { digests: [], from: 'x' })).rejects.toMatchObject(
        { code: 'LAGO_COMMAND_FAILED', message: expect.stringContaining(program) },
      )
  })

  test('a full disk, whether or not something unpacks', async () => {
    for (const served of [CONTENT, packed(CONTENT, 'zstd')])
      await expect(
        receiveImage(task, inPieces(served, 4096), '/dev/full', { digests: [], from: 'x' }),
      ).rejects.toMatchObject({ code: 'LAGO_NO_SPACE', message: 'the disk is full: could not write /dev/full' })
  })

  test('the abort, which tells the source that nobody wants the rest', async () => {
    const toPath = path.join(await tempDir(), 'image')
    const { task, abort } = recordedTask()
    const reason = new Error('enough')
    let isToldOff = false
    async function* endless(): AsyncGenerator<Buffer, void, void> {
      try {
        yield gzipSync(randomBytes(100_000)).subarray(0, 90_000)
        abort(reason)
        for (;;) yield await new Promise<Buffer>((resolve) => setImmediate(() => resolve(Buffer.alloc(10))))
      } finally {
        isToldOff = true
      }
    }
    await expect(receiveImage(task, endless(), toPath, { digests: [], from: 'x' })).rejects.toBe(reason)
    expect(isToldOff).toBe(true)
  })
})

test('a program whose output nobody wants ends', async () => {
  const dir = await tempDir()
  const pidPath = path.join(dir, 'pid')
  const script = path.join(dir, 'noisy')
  await writeFile(script, `#!/bin/sh\necho $$ > ${pidPath}\nwhile echo more; do :; done\n`, { mode: 0o755 })
  for await (const _ of filtered(task, { argv: [script], package: 'none' }, inPieces(CONTENT, 4096))) break
  await gone(task, (await readFile(pidPath, 'utf8')).trim())
})

test('digests of several names are computed side by side', async () => {
  const digester = createDigester(['sha1', 'sha512'])
  for await (const _ of digester.observe(inPieces(CONTENT, 1000)));
  expect(digester.digests()).toEqual({
    sha1: createHash('sha1').update(CONTENT).digest('hex'),
    sha512: createHash('sha512').update(CONTENT).digest('hex'),
    sizeBytes: CONTENT.length,
  })
})
