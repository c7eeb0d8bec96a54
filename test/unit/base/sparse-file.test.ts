import { randomBytes } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { STRIDE_BYTES, writeSparse } from '../../../src/base/sparse-file.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const MIB = 1024 ** 2

async function* inPieces(content: Buffer, sizeBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += sizeBytes) yield content.subarray(at, at + sizeBytes)
}

/** In chunks of the kernel's pipes, of an odd size, in one. */
test.each([65_536, 50_001, 64 * MIB])('chunks of %i bytes: zeros become holes, all else is as it was', async (size) => {
  const filePath = path.join(await tempDir(), 'a')
  const content = Buffer.concat([randomBytes(70_001), Buffer.alloc(8 * MIB), randomBytes(100_003), Buffer.alloc(MIB)])
  const file = await open(filePath, 'wx')
  await writeSparse(file, inPieces(content, size))
  await file.close()
  expect((await readFile(filePath)).equals(content)).toBe(true)
  expect((await stat(filePath)).blocks * 512).toBeLessThan(MIB)
})

test('who watches sees every stride that is not of zeros, with its place', async () => {
  const content = Buffer.concat([randomBytes(STRIDE_BYTES + 5), Buffer.alloc(2 * STRIDE_BYTES), randomBytes(7)])
  const seen: [number, number][] = []
  const file = await open(path.join(await tempDir(), 'a'), 'wx')
  const size = await writeSparse(file, inPieces(content, 50_001), (stride, at) => seen.push([at, stride.length]))
  await file.close()
  expect(size).toBe(content.length)
  expect(seen).toEqual([
    [0, STRIDE_BYTES],
    [STRIDE_BYTES, STRIDE_BYTES],
    [3 * STRIDE_BYTES, 12],
  ])
})

test('a full disk is told, whichever write met it', async () => {
  for (const mebibytes of [1, 2, 3.5]) {
    const file = await open('/dev/full', 'w')
    const writing = writeSparse(file, inPieces(randomBytes(mebibytes * MIB), 65_536))
    await expect(writing).rejects.toMatchObject({ code: 'ENOSPC' })
    await file.close()
  }
})
