import { createHash, randomBytes } from 'node:crypto'
import { open, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { contentDigest } from '../../../src/disk/content-digest.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()
const BLOCK = 64 * 1024

/** As the docstring has it, without regard to how long it takes. */
function digestByTheBook(content: Buffer): string {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64BE(BigInt(value))
    return bytes
  }
  const hash = createHash('sha256')
  for (let at = 0; at < content.length; at += BLOCK) {
    const block = content.subarray(at, at + BLOCK)
    if (block.some((byte) => byte !== 0)) hash.update(number(at / BLOCK)).update(block)
  }
  return `blocks-sha256:${hash.update(number(content.length)).digest('hex')}`
}

/** Pieces at odd places, none of whole blocks; one of zeros that take room. */
const CONTENT = Buffer.alloc(40 * BLOCK + 12_345)
for (const [at, length] of [
  [0, 1],
  [3 * BLOCK - 5, 10],
  [7 * BLOCK + 4096, 20 * BLOCK],
  [CONTENT.length - 1, 1],
] as const)
  randomBytes(length).fill(1, 0, 1).copy(CONTENT, at)

test('it is the same with holes and without, and as it is written down', async () => {
  const dir = await tempDir()
  const [full, holes] = [path.join(dir, 'full'), path.join(dir, 'holes')]
  await writeFile(full, CONTENT)
  await writeFile(holes, '')
  await truncate(holes, CONTENT.length)
  const file = await open(holes, 'r+')
  for (let at = 0; at < CONTENT.length; at += 4096) {
    const piece = CONTENT.subarray(at, at + 4096)
    if (piece.some((byte) => byte !== 0)) await file.write(piece, 0, piece.length, at)
  }
  await file.close()
  expect((await stat(holes)).blocks).toBeLessThan((await stat(full)).blocks)
  const expected = digestByTheBook(CONTENT)
  expect(await contentDigest(task, full)).toBe(expected)
  expect(await contentDigest(task, holes)).toBe(expected)
})

test('one byte, one place, one zero more at the end: it is another', async () => {
  const image = path.join(await tempDir(), 'image')
  const digestOf = async (content: Buffer): Promise<string> => {
    await writeFile(image, content)
    return contentDigest(task, image)
  }
  const changed = Buffer.from(CONTENT)
  changed.writeUInt8(changed.readUInt8(9 * BLOCK) ^ 1, 9 * BLOCK)
  const moved = Buffer.concat([CONTENT.subarray(BLOCK), CONTENT.subarray(0, BLOCK)])
  const all = [CONTENT, changed, moved, Buffer.concat([CONTENT, Buffer.alloc(1)]), Buffer.alloc(0), Buffer.alloc(BLOCK)]
  const digests = new Set<string>()
  for (const content of all) digests.add(await digestOf(content))
  expect(digests.size).toBe(all.length)
})

test('the abort ends it', async () => {
  const image = path.join(await tempDir(), 'image')
  await writeFile(image, CONTENT)
  const { task, abort } = recordedTask()
  const reason = new Error('enough')
  abort(reason)
  await expect(contentDigest(task, image)).rejects.toBe(reason)
})
