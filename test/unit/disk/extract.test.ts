import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { LagoEvent } from '../../../src/base/events.js'
import { createTask } from '../../../src/base/task.js'
import { readChain, type ImageFile } from '../../../src/disk/chain.js'
import { digestFile } from '../../../src/disk/checksum.js'
import { extractLayer, extractWhole } from '../../../src/disk/extract.js'
import { readImageInfo } from '../../../src/disk/qemu-img.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()
const qemuImg = (...args: string[]): string => execFileSync('qemu-img', args, { encoding: 'utf8' })
const write = (image: string, format: string, pattern: number, at: string, length: string): void =>
  void execFileSync('qemu-io', ['-f', format, '-c', `write -P ${pattern} ${at} ${length}`, image])

const MIB = 1024 ** 2

/** A template of ones, a layer with an internal snapshot, a layer over that. What counts: 1 from 0, 2 at 1M, 4 at 3M. */
async function makeChain(dir: string): Promise<ImageFile[]> {
  await mkdir(path.join(dir, 'store'))
  const [base, middle, top] = [path.join(dir, 'store', 'repo:tiny:v1'), path.join(dir, 'a'), path.join(dir, 'b')]
  qemuImg('create', '-q', '-f', 'raw', base, '16M')
  write(base, 'raw', 1, '0', '16M')
  qemuImg('create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', base, middle)
  write(middle, 'qcow2', 9, '6M', '1M')
  qemuImg('snapshot', '-c', 'inside', middle)
  write(middle, 'qcow2', 1, '6M', '1M')
  write(middle, 'qcow2', 2, '1M', '1M')
  qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', middle, top)
  write(top, 'qcow2', 4, '3M', '64k')
  return [
    { path: top, format: 'qcow2' },
    { path: middle, format: 'qcow2' },
    { path: base, format: 'raw' },
  ]
}

function expectContent(image: string, format: string): void {
  for (const [pattern, at, length] of [
    [1, 0, MIB],
    [2, MIB, MIB],
    [4, 3 * MIB, 65536],
    [1, 4 * MIB, 12 * MIB],
  ]) {
    const output = execFileSync('qemu-io', ['-r', '-f', format, '-c', `read -P ${pattern} ${at} ${length}`, image])
    expect(output.toString()).not.toContain('failed')
  }
}

test('a chain is known from its top, and what is known goes before what headers say', async () => {
  const dir = await tempDir()
  const chain = await makeChain(dir)
  const [top, ...below] = chain as [ImageFile, ...ImageFile[]]
  expect(await readChain(task, [top])).toEqual(chain)
  expect(await readChain(task, chain.slice(0, 2))).toEqual(chain)
  const moved = { path: path.join(dir, 'moved'), format: 'qcow2' } as const
  await rename(below[0]?.path ?? '', moved.path) // the header of the top is wrong now
  expect(await readChain(task, [top, moved])).toEqual([top, moved, below[1]])
})

test('a chain that goes round in a circle is an error', async () => {
  const dir = await tempDir()
  const [a, b] = [path.join(dir, 'a'), path.join(dir, 'b')]
  qemuImg('create', '-q', '-f', 'qcow2', a, '1M')
  qemuImg('create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', a, b)
  qemuImg('rebase', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', b, a)
  await expect(readChain(task, [{ path: a, format: 'qcow2' }])).rejects.toMatchObject({ code: 'LAGO_DISK_CHAIN' })
})

describe('the whole content', () => {
  test.each(['qcow2', 'raw'] as const)('as %s is all layers in one file, without snapshots inside', async (format) => {
    const dir = await tempDir()
    const chain = await makeChain(dir)
    const to = { path: path.join(dir, 'out'), format }
    await extractWhole(task, chain, to)
    for (const { path: source } of chain) await rm(source)
    expectContent(to.path, format)
    expect(await readImageInfo(task, to.path)).toMatchObject({ format, backingPath: undefined, snapshots: [] })
  })

  test('is found where the files are now, whatever the headers say', async () => {
    const dir = await tempDir()
    const chain = await makeChain(dir)
    const there = path.join(dir, 'th"e,re')
    await mkdir(there)
    const moved = chain.map((file) => ({ ...file, path: path.join(there, path.basename(file.path)) }))
    for (const [index, { path: from }] of chain.entries()) await rename(from, moved[index]?.path ?? '')
    await extractWhole(task, moved, { path: path.join(dir, 'out'), format: 'qcow2' })
    expectContent(path.join(dir, 'out'), 'qcow2')
    await extractLayer(task, moved, path.join(dir, 'layer'), moved[2]?.path ?? '')
    expectContent(path.join(dir, 'layer'), 'qcow2')
  })

  test('of a raw disk is its bytes, whatever its guest wrote there', async () => {
    const dir = await tempDir()
    const [secret, disk, out] = [path.join(dir, 'secret'), path.join(dir, 'disk'), path.join(dir, 'out')]
    await writeFile(secret, Buffer.alloc(65_536, 'secret'))
    qemuImg('create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', secret, disk) // what qemu would find when it guesses
    const chain = await readChain(task, [{ path: disk, format: 'raw' }])
    expect(chain).toHaveLength(1)
    await extractWhole(task, chain, { path: out, format: 'raw' })
    const [written, exported] = [await readFile(disk), await readFile(out)]
    expect(exported.subarray(0, written.length).equals(written)).toBe(true)
    expect(exported.includes('secretsecret')).toBe(false)
  })

  test('tells how far it is', async () => {
    const dir = await tempDir()
    const events: LagoEvent[] = []
    const watched = createTask({ emit: (event) => void events.push(event), close: async () => undefined })
    await extractWhole(watched, await makeChain(dir), { path: path.join(dir, 'out'), format: 'qcow2' })
    const progress = events.filter((event) => event.type === 'progress')
    expect(progress.at(-1)).toMatchObject({ done: 16 * MIB, total: 16 * MIB, unit: 'bytes' })
  })
})

describe('the layer over the template', () => {
  test('holds what differs from it, names it, and has no snapshots inside', async () => {
    const dir = await tempDir()
    const chain = await makeChain(dir)
    const out = path.join(dir, 'store', 'out') // beside the template under its short name
    await extractLayer(task, chain, out, './tiny:v1')
    expect(await readImageInfo(task, out)).toMatchObject({
      backingPath: './tiny:v1',
      backingFormat: 'raw',
      snapshots: [],
    })
    const { sizeBytes } = await digestFile(task, out, ['sha1'])
    expect(sizeBytes).toBeLessThan(3 * MIB) // not the 16 of the template
    await rename(path.join(dir, 'store', 'repo:tiny:v1'), path.join(dir, 'store', 'tiny:v1'))
    expectContent(out, 'qcow2')
  })
})

test('digests are those of the file', async () => {
  const file = path.join(await tempDir(), 'a')
  await writeFile(file, 'abc')
  expect(await digestFile(task, file, ['sha1', 'sha256'])).toEqual({
    sha1: 'a9993e364706816aba3e25717850c26c9cd0d89d',
    sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    sizeBytes: 3,
  })
  expect(await readFile(file, 'utf8')).toBe('abc')
})
