import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { findPath } from '../../../src/disk/ext4/paths.js'
import { openImage } from '../../../src/disk/open-image.js'
import { readPartitions } from '../../../src/disk/partitions.js'
import { findRoot } from '../../../src/disk/root-file-system.js'
import { makeExtImage, partition } from '../../helpers/ext4-image.js'
import { waitUntil } from '../../../src/base/wait.js'
import { startScript } from '../../helpers/child-script.js'
import { gone, isAlive } from '../../helpers/processes.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()
const MIB = 1024 ** 2

async function treeWith(dir: string, name: string): Promise<string> {
  await mkdir(path.join(dir, name), { recursive: true })
  return dir
}

const LABELS = [
  ['MBR', 'label: dos\nstart=1MiB, size=8MiB, type=83\nstart=10MiB, size=40MiB, type=83\n', 10, 2],
  [
    'MBR with logical partitions',
    'label: dos\nstart=1MiB, size=8MiB, type=83\nstart=9MiB, size=60MiB, type=5\nstart=10MiB, size=40MiB, type=83\n',
    10,
    5,
  ],
  ['GPT', 'label: gpt\nstart=1MiB, size=8MiB\nstart=10MiB, size=40MiB\n', 10, 2],
] as const

test.each(LABELS)(
  '%s: the root is found through a qcow2 chain with a name full of signs',
  async (_, script, startMiB, number) => {
    const dir = await tempDir()
    const tree = await treeWith(path.join(dir, 'tree'), 'etc/here')
    const raw = await makeExtImage(path.join(dir, 'base,x=y.raw'), { fromDir: tree, offsetBytes: startMiB * MIB })
    execFileSync('truncate', ['-s', '80M', raw])
    partition(raw, script)
    const top = path.join(dir, 'json:{"a": 1},b"c.qcow2')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', raw, top])
    await using image = await openImage(task, { path: top, format: 'qcow2' })
    expect((await readPartitions(task, image)).map((found) => found.number)).toContain(number)
    const fs = await findRoot(task, image, undefined)
    if (fs === undefined) throw new Error('no root')
    expect((await findPath(task, fs, '/etc/here'))?.type).toBe('directory')
  },
)

test('the partition that the metadata name comes first, with and without /etc', async () => {
  const dir = await tempDir()
  const first = await treeWith(path.join(dir, 'one'), 'etc/first')
  const second = await treeWith(path.join(dir, 'two'), 'data')
  const image = await makeExtImage(path.join(dir, 'disk'), { fromDir: first, sizeMiB: 16, offsetBytes: MIB })
  const other = await makeExtImage(path.join(dir, 'other'), { fromDir: second, sizeMiB: 16 })
  execFileSync('dd', [`if=${other}`, `of=${image}`, 'bs=1M', 'seek=20', 'conv=notrunc', 'status=none'])
  partition(image, 'label: dos\nstart=1MiB, size=16MiB\nstart=20MiB, size=16MiB\n')
  await using disk = await openImage(task, { path: image, format: 'raw' })
  const has = async (wanted: string | undefined, name: string): Promise<boolean> => {
    const fs = await findRoot(task, disk, wanted)
    return fs !== undefined && (await findPath(task, fs, name)) !== undefined
  }
  expect(await has(undefined, '/etc/first')).toBe(true)
  expect(await has('/dev/sda1', '/etc/first')).toBe(true)
  expect(await has('/dev/vda2', '/data')).toBe(true)
  expect(await has('/dev/sda7', '/etc/first')).toBe(true)
})

test('a file system without a partition table is a root too; noise is none', async () => {
  const dir = await tempDir()
  const whole = await makeExtImage(path.join(dir, 'disk'), { fromDir: await treeWith(path.join(dir, 'tree'), 'etc') })
  await using disk = await openImage(task, { path: whole, format: 'raw' })
  expect(await findRoot(task, disk, 'root')).toBeDefined()
  await writeFile(path.join(dir, 'noise'), Buffer.alloc(MIB, 0x55))
  await using noise = await openImage(task, { path: path.join(dir, 'noise'), format: 'raw' })
  expect(await findRoot(task, noise, undefined)).toBeUndefined()
})

test('an extended partition that leads in circles, and tables beyond the end, are read to an end', async () => {
  const sector = Buffer.alloc(64 * 1024)
  sector.writeUInt16LE(0xaa55, 510)
  sector[446 + 4] = 5
  sector.writeUInt32LE(1, 446 + 8)
  sector.writeUInt16LE(0xaa55, 512 + 510)
  sector[512 + 462 + 4] = 5
  const source = {
    sizeBytes: sector.length,
    read: async (_: unknown, offset: number, length: number) => sector.subarray(offset, offset + length),
  }
  expect(await readPartitions(task, source)).toEqual([])
  sector[446 + 4] = 0xee
  sector.write('EFI PART', 512, 'latin1')
  sector.writeBigUInt64LE(2n ** 60n, 512 + 72)
  sector.writeUInt32LE(128, 512 + 80)
  sector.writeUInt32LE(128, 512 + 84)
  expect(await readPartitions(task, source)).toEqual([])
})

/** In a process of its own, whose directory for temporary files nobody else uses. Gives what it printed. */
async function tried(how: 'open' | 'abort', tmpDir: string, image: string): Promise<string | undefined> {
  const script = startScript(new URL('./try-image.js', import.meta.url), [how, tmpDir, image])
  const line = await script.nextLine()
  expect(await script.nextLine()).toBeUndefined() // it has ended by itself
  return line
}

test('an image that qemu refuses is an error with its words, and nothing of it stays', async () => {
  const [dir, tmpDir] = [await tempDir(), await tempDir()]
  await writeFile(path.join(dir, 'not.qcow2'), 'no image')
  expect(await tried('open', tmpDir, path.join(dir, 'not.qcow2'))).toMatch(
    /^LAGO_DISK_UNREADABLE .*not in qcow2 format/i,
  )
  expect(await tried('open', tmpDir, path.join(dir, 'missing'))).toMatch(/^LAGO_DISK_UNREADABLE /)
  expect(await readdir(tmpDir)).toEqual([])
})

test('an abort in the middle ends the reader, and nothing of it stays', async () => {
  const [dir, tmpDir] = [await tempDir(), await tempDir()]
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path.join(dir, 'disk'), '1M'])
  expect(await tried('abort', tmpDir, path.join(dir, 'disk'))).toBe('enough')
  expect(await readdir(tmpDir)).toEqual([])
})

test('a directory for temporary files with a long name is no hindrance', async () => {
  const dir = await tempDir()
  const tmpDir = path.join(dir, 'x'.repeat(100))
  await mkdir(tmpDir)
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path.join(dir, 'disk'), '1M'])
  expect(await tried('open', tmpDir, path.join(dir, 'disk'))).toBe('read')
  expect(await readdir(tmpDir)).toEqual([])
})

test('killed while it reads, lago leaves neither the server nor a directory', async () => {
  const dir = await tempDir()
  await writeFile(path.join(dir, 'disk'), Buffer.alloc(MIB))
  const script = startScript(new URL('./hold-image.js', import.meta.url), [dir, process.env['PATH'] ?? ''])
  expect(await script.nextLine()).toBe('ready')
  const server = execFileSync('pgrep', ['-P', String(script.pid), 'qemu-nbd'])
    .toString()
    .trim()
  expect(await isAlive(server)).toBe(true)
  await script.kill('SIGKILL')
  await gone(task, server)
  expect(await readdir(dir)).toEqual(['disk'])
})

test('killed while the server starts, lago leaves no server', async () => {
  const dir = await tempDir()
  const bin = path.join(dir, 'bin')
  await mkdir(bin)
  const tail = execFileSync('sh', ['-c', 'command -v tail']).toString().trim()
  await writeFile(path.join(bin, 'qemu-nbd'), `#!/bin/sh\necho $$ > ${dir}/pid\nexec ${tail} -f /dev/null\n`, {
    mode: 0o755,
  })
  const script = startScript(new URL('./hold-image.js', import.meta.url), [dir, `${bin}:${process.env['PATH'] ?? ''}`])
  const pid = await waitUntil(
    task,
    'the server',
    async () => {
      const text = await readFile(path.join(dir, 'pid'), 'utf8').catch(() => '')
      return text.endsWith('\n') ? { value: text.trim() } : { notYet: 'no pid' }
    },
    { timeoutMs: 10_000, everyMs: 20 },
  )
  expect(await isAlive(pid)).toBe(true)
  await script.kill('SIGKILL')
  await gone(task, pid)
})
