import { execFileSync } from 'node:child_process'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { announcedSizeBytes, HEAD_BYTES } from '../../../src/disk/announced-size.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const MIB = 1024 ** 2

const headOf = async (file: string): Promise<Buffer> => (await readFile(file)).subarray(0, HEAD_BYTES)

test.each([
  ['qcow2', []],
  ['vmdk', []],
  ['vpc', ['-o', 'subformat=dynamic,force_size=on']],
])('an image of format %s says its size', async (format, options) => {
  const image = path.join(await tempDir(), 'image')
  execFileSync('qemu-img', ['create', '-q', '-f', format, ...options, image, '7M'])
  expect(announcedSizeBytes(await headOf(image))).toBe(7 * MIB)
})

test.each([
  ['gpt', 8 * MIB],
  ['dos', 8 * MIB],
])('a disk with a partition table of type %s ends where that ends', async (label, size) => {
  const image = path.join(await tempDir(), 'image')
  await writeFile(image, '')
  await truncate(image, size)
  execFileSync('sfdisk', ['--quiet', image], { input: `label: ${label}\nstart=2048, size=${size / 512 - 4096}\n` })
  const announced = announcedSizeBytes(await headOf(image))
  expect(announced).toBe(label === 'gpt' ? size : size - 2048 * 512)
})

test.each([
  ['nothing', Buffer.alloc(0)],
  ['zeros', Buffer.alloc(HEAD_BYTES)],
  ['a text', Buffer.from('just a text')],
  ['the mark of qcow2 and no more', Buffer.from('QFI\u00fb', 'latin1')],
  ['a boot sector without partitions', Buffer.concat([Buffer.alloc(510), Buffer.from([0x55, 0xaa])])],
])('%s says nothing', (_, head) => {
  expect(announcedSizeBytes(head)).toBeUndefined()
})
