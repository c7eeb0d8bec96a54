/** Disks that our own reader does not know; a stand-in takes the part of libguestfs. */
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { collectStopped } from '../../../src/prefix/collect-stopped.js'
import { quickstart } from '../../helpers/golden-envs.js'
import { installGuestfish, type FakeGuestfish } from '../../helpers/guestfish.js'
import { recordedTask, type RecordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const PATH = process.env['PATH'] ?? ''
const SECOND = 1_600_000_000

afterEach(() => {
  process.env['PATH'] = PATH
})

interface Bench extends RecordedTask {
  readonly outDir: string
  collect(patterns: readonly string[], rootPartition?: string): Promise<readonly string[]>
}

/** A disk of noise in vm0; `guest` tells what libguestfs would see on it, `undefined` that it is not installed. */
async function bench(guest: Partial<FakeGuestfish> | undefined): Promise<Bench> {
  const dir = await tempDir()
  const tree = path.join(dir, 'tree')
  for (const sub of ['etc', 'root', 'var/log/sub', 'empty']) await mkdir(path.join(tree, sub), { recursive: true })
  await writeFile(path.join(tree, 'etc/name'), 'guest', { mode: 0o640 })
  await writeFile(path.join(tree, 'root/own'), 'home')
  for (const name of LOGS) await writeFile(path.join(tree, 'var/log', name), name)
  await symlink('/etc/passwd', path.join(tree, 'var/log/sub/out'))
  await symlink('nowhere', path.join(tree, 'var/log/dangling'))
  execFileSync('touch', ['-d', `@${SECOND}`, path.join(tree, 'etc/name')])
  const disk = path.join(dir, 'a disk:"x".raw')
  await writeFile(disk, 'noise'.repeat(1000))
  const bin = path.join(dir, 'bin')
  await mkdir(bin)
  for (const program of ['qemu-nbd', 'setpriv', 'true', 'tar']) {
    const found = PATH.split(':').map((at) => path.join(at, program)) // prettier-ignore
    for (const file of found) await stat(file).then(async () => symlink(file, path.join(bin, program))).catch(() => undefined) // prettier-ignore
  }
  if (guest !== undefined)
    await installGuestfish(bin, {
      fileSystems: { '/dev/sda1': 'swap', '/dev/sda2': 'btrfs', '/dev/vg/root': 'xfs' },
      root: { '/dev/vg/root': tree },
      empty: path.join(tree, 'empty'),
      ...guest,
    })
  process.env['PATH'] = bin
  const out = path.join(dir, 'out')
  const outDir = path.join(out, 'vm0')
  await mkdir(outDir, { recursive: true })
  const recorded = recordedTask()
  const vm = quickstart().vms.get('vm0')
  const [first] = vm?.disks ?? []
  if (vm === undefined || first === undefined) throw new Error('unreachable: quickstart has it')
  return {
    ...recorded,
    outDir,
    async collect(patterns, rootPartition) {
      const metadata = rootPartition === undefined ? {} : { 'root-partition': rootPartition }
      const disks = [{ ...first, path: disk, driver: 'raw' as const, metadata }]
      try {
        return await collectStopped(recorded.task, { vm: { ...vm, disks }, homeDir: '/root' }, patterns, outDir)
      } finally {
        expect(await readdir(out)).toEqual(['vm0']) // nothing else stays
      }
    },
  }
}

const LOGS = ['a b', '-dash', `q'uo"te\\`, 'new\nline', 'gl*b[1]', '.hidden', 'ünï', '$(x)']
const local = (name: string): string => `_var_log_${name}`

test('the system that libguestfs finds is collected with the layout of every other way', async () => {
  const { collect, outDir, messages } = await bench({ mountpoints: { '/': '/dev/vg/root', '/gone': '/dev/sdz9' } })
  expect(await collect(['/etc/name', '/var/log/*', '/var/log/', 'own', '/nowhere', '/no*'])).toEqual([
    '/nowhere',
    '/no*',
  ])
  const visible = LOGS.filter((name) => !name.startsWith('.')).map(local)
  expect((await readdir(outDir)).sort()).toEqual([...visible, local('sub'), '_etc_name', '_var_log', 'own'].sort())
  for (const name of visible) expect(local(await readFile(path.join(outDir, name), 'utf8'))).toBe(name)
  expect((await readdir(path.join(outDir, '_var_log'))).sort()).toEqual([...LOGS, 'sub', 'dangling'].sort())
  const { mode, mtimeMs } = await stat(path.join(outDir, '_etc_name'))
  expect([mode & 0o777, mtimeMs / 1000]).toEqual([0o640, SECOND])
  expect(await readFile(path.join(outDir, 'own'), 'utf8')).toBe('home')
  expect(await readdir(path.join(outDir, '_var_log/sub'))).toEqual([]) // its link leads out
  expect(messages()).toContainEqual(expect.stringContaining('left out "./out": it is a link to "/etc/passwd"'))
})

test('no system is found: the first file system with an /etc, and the one that the metadata name before it', async () => {
  const { collect, outDir } = await bench({})
  expect(await collect(['/etc/name'])).toEqual([])
  expect(await readdir(outDir)).toEqual(['_etc_name'])
  const named = await bench({})
  expect(await named.collect(['/etc/name'], 'sda2')).toEqual(['/etc/name'])
})

test('a /dev/kvm that does not work is done without', async () => {
  const { collect } = await bench({ needsTcg: true })
  expect(await collect(['/etc/name'])).toEqual([])
})

test('a file that cannot be read is left out with a warning, and the others come', async () => {
  const { collect, outDir, messages } = await bench({ root: { '/dev/vg/root': await damagedTree() } })
  expect(await collect(['/etc/damaged', '/etc/sound'])).toEqual([])
  expect(await readdir(outDir)).toEqual(['_etc_sound'])
  expect(messages()).toContainEqual(expect.stringMatching(/^left out \/etc\/damaged of vm0: .*needs cleaning/))
})

async function damagedTree(): Promise<string> {
  const dir = await tempDir()
  await mkdir(path.join(dir, 'etc'))
  for (const name of ['damaged', 'sound']) await writeFile(path.join(dir, 'etc', name), name)
  await chmod(dir, 0o755)
  return dir
}

test.each([
  ['it is not installed', undefined, /no ext2, ext3 or ext4/, /install the package libguestfs-tools .*or start the VM/],
  ['its machine does not start', { fails: 'launch' }, /could not launch: supermin exited/, /./],
  ['it ends in the middle', { fails: 'end' }, /guestfish ended/, /./],
  [
    'there is nothing to mount',
    { fileSystems: { '/dev/sda1': 'swap' } },
    /with an \/etc on .*\/dev\/sda1/,
    /root-partition/,
  ],
] as const)('an error names the disk and the VM when %s', async (_, guest, message, hint) => {
  // prettier-ignore
  const { collect, outDir } = await bench(guest)
  const error = collect(['/etc'])
  await expect(error).rejects.toMatchObject({
    code: 'LAGO_DISK_UNREADABLE',
    message: expect.stringMatching(new RegExp(`^the first disk of vm0, .*a disk.*${message.source}`)),
    hint: expect.stringMatching(hint),
  })
  expect(await readdir(outDir)).toEqual([])
})

test('the time limit ends it while it boots', async () => {
  const { collect, abort, message } = await bench({ fails: 'hang' })
  const collecting = collect(['/etc'])
  const failing = expect(collecting).rejects.toThrow('enough')
  await message(/^guestfish: launch/)
  abort(new Error('enough'))
  await failing
})
