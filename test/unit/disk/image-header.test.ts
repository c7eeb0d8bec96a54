import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { imageHeaderOf, readImageHeader, type ImageHeader } from '../../../src/disk/image-header.js'
import { writeLuksImage } from '../../helpers/luks-image.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const ALONE: ImageHeader = { format: 'raw', backing: undefined, hasOtherFiles: false, isEncrypted: false, snapshots: 0 }

async function created(args: readonly string[]): Promise<string> {
  const dir = await tempDir()
  const image = path.join(dir, 'image')
  execFileSync('qemu-img', ['create', '-q', ...args.map((word) => word.replace('DIR', dir)), image, '4M'])
  return image
}

test.each<[ImageHeader['format'], readonly string[]]>([
  ['qcow2', []],
  ['qcow2', ['-o', 'compat=0.10']],
  ['qcow2', ['-o', 'cluster_size=512']],
  ['vmdk', []],
  ['vmdk', ['-o', 'subformat=streamOptimized']],
  ['vpc', []],
  ['vhdx', []],
  ['vdi', []],
  ['qed', []],
  ['raw', []],
])('an image of format %s %j stands alone', async (format, options) => {
  expect(await readImageHeader(await created(['-f', format, ...options]))).toEqual({ ...ALONE, format })
})

test.each([
  ['/etc/shadow', 'raw', []],
  ['http://127.0.0.1:9/x', 'raw', []],
  ['json:{"driver":"nbd"}', 'raw', ['-o', 'compat=0.10']],
  [`../${'n'.repeat(1000)}`, 'qcow2', ['-o', 'cluster_size=512k']],
])('what a qcow2 is laid over is read as it stands there: %s', async (name, format, options) => {
  const image = await created(['-f', 'qcow2', ...options, '-u', '-F', format, '-b', name])
  expect(await readImageHeader(image)).toEqual({ ...ALONE, format: 'qcow2', backing: { name, format } })
})

test.each([
  ['a qcow2 with a data file', ['-f', 'qcow2', '-o', 'data_file=DIR/data'], { hasOtherFiles: true }],
  ['a VMDK of parts', ['-f', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse'], { hasOtherFiles: true }],
])('%s', async (_, args, found) => {
  expect(await readImageHeader(await created(args))).toMatchObject(found)
})

describe('encrypted is', () => {
  test('LUKS', async () => {
    const image = path.join(await tempDir(), 'image')
    await writeLuksImage(image)
    expect(await readImageHeader(image)).toMatchObject({ format: 'luks', isEncrypted: true })
  })

  test.each([
    ['AES', 1],
    ['LUKS', 2],
  ])('a qcow2 with %s inside', async (_, method) => {
    const image = await created(['-f', 'qcow2'])
    const bytes = await readFile(image)
    bytes.writeUInt32BE(method, 32) // crypt_method, docs/interop/qcow2.txt of QEMU
    await writeFile(image, bytes)
    expect(await readImageHeader(image)).toMatchObject({ format: 'qcow2', isEncrypted: true })
  })
})

test('a VMDK with a parent has other files', async () => {
  const dir = await tempDir()
  const [base, top] = [path.join(dir, 'base.vmdk'), path.join(dir, 'top.vmdk')]
  execFileSync('qemu-img', ['create', '-q', '-f', 'vmdk', base, '4M'])
  execFileSync('qemu-img', ['create', '-q', '-f', 'vmdk', '-F', 'vmdk', '-b', base, top])
  expect(await readImageHeader(top)).toMatchObject({ format: 'vmdk', hasOtherFiles: true })
})

test('snapshots inside are counted', async () => {
  const image = await created(['-f', 'qcow2'])
  for (const name of ['a', 'b']) execFileSync('qemu-img', ['snapshot', '-c', name, image])
  expect(await readImageHeader(image)).toMatchObject({ snapshots: 2 })
})

describe('a header that is damaged is no reason to fail:', () => {
  test('cut off anywhere', async () => {
    const image = await readFile(await created(['-f', 'qcow2', '-u', '-F', 'raw', '-b', '/etc/shadow']))
    for (let length = 0; length < 1024; length++) expect(() => imageHeaderOf(image.subarray(0, length))).not.toThrow()
  })

  test('with any bytes behind its mark', () => {
    const marks = ['QFI\u00fb', 'KDMV', 'conectix', 'vhdxfile', '# Disk DescriptorFile', 'LUKS\u00ba\u00be', '']
    fc.assert(
      fc.property(fc.constantFrom(...marks), fc.uint8Array({ maxLength: 2048 }), (mark, bytes) => {
        imageHeaderOf(Buffer.concat([Buffer.from(mark, 'latin1'), bytes]))
      }),
    )
  })

  test('an empty file is a raw image', async () => {
    const file = path.join(await tempDir(), 'empty')
    await writeFile(file, '')
    expect(await readImageHeader(file)).toEqual(ALONE)
    await writeFile(file, randomBytes(5_000_000).fill(0, 0, 16))
    expect(await readImageHeader(file)).toEqual(ALONE)
  })
})
