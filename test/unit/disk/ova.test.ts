import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { unpackOva } from '../../../src/disk/ova.js'
import { ovirtOva, standardOva, ovfOf } from '../../helpers/ova.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

test.each([
  ['of oVirt', ovirtOva],
  ['of the standard', standardOva],
])('an archive %s gives memory, CPUs and disk', async (_, make) => {
  const dir = await tempDir()
  const ova = await make(dir, { memoryMiB: 512, sockets: 2, coresPerSocket: 3 })
  const unpacked = await unpackOva(task, ova, path.join(dir, 'out'))
  expect(unpacked).toMatchObject({ memoryMiB: 512, vcpus: 6 })
  expect((await readFile(unpacked.diskPath)).length).toBeGreaterThan(0)
})

test.each([
  ['MegaBytes', 512],
  ['byte * 2^20', 512],
  ['GigaBytes', 512 * 1024],
])('memory may be in %s', async (unit, memoryMiB) => {
  const dir = await tempDir()
  const ova = await standardOva(dir, { memoryMiB: 512, memoryUnit: unit })
  expect(await unpackOva(task, ova, path.join(dir, 'out'))).toMatchObject({ memoryMiB })
})

describe('an archive that is not one machine with one disk says so:', () => {
  const packed = async (dir: string, files: Readonly<Record<string, string>>): Promise<string> => {
    const from = path.join(dir, 'from')
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(from, name)), { recursive: true })
      await writeFile(path.join(from, name), text)
    }
    execFileSync('tar', ['-C', from, '-cf', path.join(dir, 'a.ova'), '.'])
    return path.join(dir, 'a.ova')
  }
  const good = ovfOf({ disk: 'disk.img' })

  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['no description', { 'disk.img': 'x' }, /has no description/],
    ['two descriptions', { 'a.ovf': good, 'b.ovf': good }, /holds several machines/],
    ['one that is not XML', { 'a.ovf': '<Envelope>' }, /is not XML/],
    ['one that says nothing', { 'a.ovf': '<Envelope/>' }, /says nothing of CPUs or memory/],
    ['memory in elephants', { 'a.ovf': good.replace('MegaBytes', 'Elephants') }, /its memory is in "Elephants"/],
    ['memory in what only JavaScript knows', { 'a.ovf': good.replace('MegaBytes', 'constructor') }, /"constructor"/],
    ['names that only JavaScript knows', { 'a.ovf': '<Envelope><__proto__/></Envelope>' }, /cannot be read/],
    ['no end of nesting', { 'a.ovf': `${'<a>'.repeat(90_000)}${'</a>'.repeat(90_000)}` }, /cannot be read|is not XML/],
    [
      'entities of entities',
      { 'a.ovf': good.replace('?>', '?><!DOCTYPE o [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>').replace('512', '&b;') },
      /its memory is "&b;"/,
    ],
    ['memory that is no number', { 'a.ovf': good.replace('>512<', '>much<') }, /its memory is "much"/],
    ['no disk', { 'a.ovf': ovfOf({ disk: undefined }) }, /has 0 disks/],
    ['a disk that is not there', { 'a.ovf': good }, /its disk "disk.img" is not in it/],
    [
      'a disk outside',
      { 'a.ovf': ovfOf({ disk: '../../etc/passwd' }) },
      /its disk "\.\.\/\.\.\/etc\/passwd" is not in it/,
    ],
  ])('%s', async (_, files, message) => {
    const dir = await tempDir()
    await expect(unpackOva(task, await packed(dir, files), path.join(dir, 'out'))).rejects.toMatchObject({
      code: 'LAGO_OVA',
      message: expect.stringMatching(message),
    })
  })

  test('no archive at all, or half of one', async () => {
    const dir = await tempDir()
    const ova = await standardOva(dir, {})
    const half = path.join(dir, 'half.ova')
    const content = await readFile(ova)
    await writeFile(half, content.subarray(0, content.length / 2))
    await expect(unpackOva(task, half, path.join(dir, 'out1'))).rejects.toMatchObject({ code: 'LAGO_OVA' })
    await writeFile(half, 'not an archive')
    await expect(unpackOva(task, half, path.join(dir, 'out2'))).rejects.toMatchObject({ code: 'LAGO_OVA' })
  })
})

test('nothing that leads out of it is unpacked', async () => {
  const dir = await tempDir()
  const from = path.join(dir, 'from')
  await mkdir(from)
  await writeFile(path.join(dir, 'secret'), 'secret')
  await writeFile(path.join(from, 'a.ovf'), ovfOf({ disk: 'link' }))
  await symlink(path.join(dir, 'secret'), path.join(from, 'link'))
  await writeFile(path.join(from, 'evil'), 'evil')
  const ova = path.join(dir, 'a.ova')
  execFileSync('tar', ['-C', from, '-Pcf', ova, '--transform', 's,^evil$,../evil,', 'a.ovf', 'link', 'evil'])
  await expect(unpackOva(task, ova, path.join(dir, 'out'))).rejects.toMatchObject({ code: 'LAGO_OVA' })
  expect(existsSync(path.join(dir, 'evil'))).toBe(false)
})

test('an archive that is packed once more and holds more than its size is a bomb', async () => {
  const dir = await tempDir()
  const ova = await standardOva(dir, { diskBytes: 50_000_000 })
  await writeFile(ova, gzipSync(await readFile(ova)))
  await expect(unpackOva(task, ova, path.join(dir, 'out'))).rejects.toMatchObject({
    code: 'LAGO_OVA',
    message: expect.stringContaining('it holds more than its own size'),
  })
})
