/** VMs that do not answer, with real disks; the provider only tells their states. */
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { createRegistry } from '../../../src/base/registry.js'
import { clearPlace } from '../../../src/prefix/collect-place.js'
import { collectArtifacts } from '../../../src/prefix/collect.js'
import type { Host } from '../../../src/prefix/host.js'
import { prefixLayout } from '../../../src/prefix/layout.js'
import type { Prefix } from '../../../src/prefix/prefix.js'
import { makeExtImage } from '../../helpers/ext4-image.js'
import { quickstart } from '../../helpers/golden-envs.js'
import { installGuestfish } from '../../helpers/guestfish.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()
const { task } = recordedTask()

const host = {
  config: { vm: { defaultProvider: 'fake', defaultType: 'default' }, ssh: { user: 'root', timeoutMs: 100, tries: 1 } },
  providers: createRegistry('VM provider', [
    ['fake', { states: async () => new Map([['vm0', 'down'], ['vm1', 'crashed']]) }], // prettier-ignore
  ]),
  vmTypes: createRegistry('VM type', [['default', {}]]),
} as unknown as Host

/** vm0 with a good disk, vm1 with `disk1`. */
async function prefixWith(
  artifacts: readonly string[],
  disk1?: string,
): Promise<{ prefix: Prefix; outputDir: string }> {
  const dir = await tempDir()
  await mkdir(path.join(dir, 'tree/etc'), { recursive: true })
  await mkdir(path.join(dir, 'tree/root'))
  await writeFile(path.join(dir, 'tree/etc/name'), 'guest')
  await writeFile(path.join(dir, 'tree/root/own'), 'home')
  const good = await makeExtImage(path.join(dir, 'good'), { fromDir: path.join(dir, 'tree') })
  if (disk1 !== undefined) await writeFile(path.join(dir, 'bad'), disk1.repeat(100_000))
  const plan = quickstart()
  const vms = new Map(
    [...plan.vms].map(([name, vm]) => {
      const file = name === 'vm1' && disk1 !== undefined ? path.join(dir, 'bad') : good
      const disks = vm.disks.map((disk) => ({ ...disk, path: file, driver: 'raw' as const }))
      return [name, { ...vm, disks, spec: { ...vm.spec, artifacts } }] as const
    }),
  )
  const prefix: Prefix = { dir, layout: prefixLayout(dir), plan: { ...plan, vms } }
  return { prefix, outputDir: path.join(dir, 'out put') }
}

test('each VM has a directory, each artifact its place; what was there before is kept, twice in a second too', async () => {
  const { prefix, outputDir } = await prefixWith(['/etc', '/etc/n*', 'own', '/nowhere'])
  for (let count = 0; count < 3; count++) await collectArtifacts(task, host, prefix, { outputDir })
  for (const vm of ['vm0', 'vm1']) {
    expect((await readdir(path.join(outputDir, vm))).sort()).toEqual(['_etc', '_etc_name', 'own'])
    expect(await readFile(path.join(outputDir, vm, '_etc/name'), 'utf8')).toBe('guest')
  }
  const kept = (await readdir(prefix.dir)).filter((name) => name.startsWith('out put.'))
  expect(kept).toHaveLength(2)
})

test('what is missing is named for every VM when it may not be passed over', async () => {
  const { prefix, outputDir } = await prefixWith(['/nowhere', '/etc'])
  await expect(collectArtifacts(task, host, prefix, { outputDir, failOnMissing: true })).rejects.toMatchObject({
    code: 'LAGO_GUEST_NO_FILE',
    message: 'Failed to extract files: /nowhere (vm0), /nowhere (vm1)',
  })
  expect(await readdir(path.join(outputDir, 'vm1'))).toEqual(['_etc'])
})

test('a disk that cannot be read is named with its VM, and the other VM is collected', async () => {
  const { prefix, outputDir } = await prefixWith(['/etc'], 'noise')
  const none = { fileSystems: {}, root: {}, empty: prefix.dir }
  const kept = process.env['PATH'] ?? ''
  process.env['PATH'] = `${await installGuestfish(path.join(prefix.dir, 'bin'), none)}:${kept}`
  await expect(collectArtifacts(task, host, prefix, { outputDir })).rejects.toMatchObject({
    code: 'LAGO_DISK_UNREADABLE',
    message: expect.stringContaining('VM vm1'),
  })
  process.env['PATH'] = kept
  expect(await readdir(path.join(outputDir, 'vm0'))).toEqual(['_etc'])
})

test.each([
  ['nobody answers at its address', '192.0.2.1'], // RFC 5737: leads nowhere
  ['it has no address', undefined],
])('a running VM is read from its disk, with a warning, when %s', async (_, managementIp) => {
  const { prefix, outputDir } = await prefixWith(['/etc/name', 'own'])
  const vms = new Map([...prefix.plan.vms].map(([name, vm]) => [name, { ...vm, managementIp }]))
  const states = async (): Promise<unknown> => new Map([['vm0', 'running'], ['vm1', 'running']]) // prettier-ignore
  const running = { ...host, providers: createRegistry('VM provider', [['fake', { states }]]) } as unknown as Host
  const recorded = recordedTask()
  await collectArtifacts(recorded.task, running, { ...prefix, plan: { ...prefix.plan, vms } }, { outputDir })
  for (const vm of ['vm0', 'vm1']) {
    expect((await readdir(path.join(outputDir, vm))).sort()).toEqual(['_etc_name', 'own'])
    expect(recorded.messages()).toContainEqual(
      expect.stringMatching(new RegExp(`^${vm}: reading the disk, for ssh did`)),
    )
    expect(recorded.messages()).toContainEqual(expect.stringContaining(`${vm} is "running" while its disk is read`))
  }
})

test('VMs that take too long are named', async () => {
  const { prefix, outputDir } = await prefixWith(['/etc'])
  const collecting = collectArtifacts(task, host, prefix, { outputDir, vmTimeoutMs: 0 })
  await expect(collecting).rejects.toMatchObject({
    message: expect.stringMatching(
      /(?=.*collecting from vm0 did not end within 0 s)(?=.*collecting from vm1 did not)/s,
    ),
  })
})

describe('a directory to write to', () => {
  const tree = async (dir: string): Promise<readonly string[]> => (await readdir(dir, { recursive: true })).sort()

  /** Every place is below a directory of the test's own: a fault here renames what it is given. */
  test.each([
    ['the prefix', 'workdir/prefix'],
    ['what holds the prefix', 'workdir'],
    ['the current directory', 'here/below'],
    ['what holds the current directory', 'here'],
    ['the home directory', 'home/me'],
    ['what holds the home directory', 'home'],
  ])('may not be %s, even when an earlier collect could have left what is in it', async (_, below) => {
    const dir = await tempDir()
    const prefix: Prefix = { dir: path.join(dir, 'workdir/prefix'), layout: prefixLayout(dir), plan: quickstart() }
    for (const place of ['workdir/prefix/vm0', 'here/below/vm0', 'home/me/vm0'])
      await mkdir(path.join(dir, place), { recursive: true })
    const before = await tree(dir)
    const places = { cwd: path.join(dir, 'here/below'), homeDir: path.join(dir, 'home/me') }
    await expect(clearPlace(prefix, path.join(dir, below), places)).rejects.toMatchObject({
      code: 'LAGO_COLLECT_TARGET',
      message: expect.stringContaining(`${path.join(dir, below)}: it is, or holds, the`),
      hint: expect.stringContaining('--output'),
    })
    expect(await tree(dir)).toEqual(before)
  })

  test.each([
    ['a file', 'LagoInitFile', ''],
    ['a directory with other things', 'vm0/_etc/name', 'mine.txt'],
    ['a directory with a file that is called as a VM', 'vm0', ''],
    ['a directory with a link that is called as a VM', 'vm1/x', '->vm0'],
  ])('that is %s is refused and left as it is', async (what, first, second) => {
    const { prefix, outputDir } = await prefixWith(['/etc/name'])
    const target = what === 'a file' ? outputDir : path.join(outputDir, first)
    await mkdir(path.dirname(target), { recursive: true })
    await writeFile(target, 'precious')
    if (second === '->vm0') await symlink('vm1', path.join(outputDir, 'vm0'))
    else if (second !== '') await writeFile(path.join(outputDir, second), 'precious')
    await expect(collectArtifacts(task, host, prefix, { outputDir })).rejects.toMatchObject({
      code: 'LAGO_COLLECT_TARGET',
      message: expect.stringContaining(outputDir),
    })
    expect(await readFile(target, 'utf8')).toBe('precious')
    expect((await readdir(prefix.dir)).filter((name) => name.startsWith('out put'))).toEqual(['out put'])
  })

  test('that is empty is used; what an interrupted collect and OST leave in one is kept as well', async () => {
    const { prefix, outputDir } = await prefixWith(['/etc/name'])
    await mkdir(outputDir)
    await collectArtifacts(task, host, prefix, { outputDir })
    expect(await tree(prefix.dir)).not.toContainEqual(expect.stringMatching(/^out put\./))
    for (const name of ['.vm0.0123456789ab', 'lago_logs']) await mkdir(path.join(outputDir, name))
    await collectArtifacts(task, host, prefix, { outputDir })
    expect(await readdir(outputDir)).toEqual(['vm0', 'vm1'])
    const [kept = ''] = (await readdir(prefix.dir)).filter((name) => name.startsWith('out put.'))
    expect(await readdir(path.join(prefix.dir, kept))).toContain('lago_logs')
  })

  test("of the prefix's own logs keeps the report and the logs of failed tests; an earlier collect is set aside", async () => {
    const { prefix } = await prefixWith(['/etc/name'])
    const outputDir = prefix.layout.testLogs
    await mkdir(path.join(outputDir, 'test_a-20260131120000'), { recursive: true })
    await writeFile(path.join(outputDir, 'report.json'), 'report')
    for (let count = 0; count < 2; count++) {
      await collectArtifacts(task, host, prefix, { outputDir })
      expect(await readdir(outputDir)).toEqual(['report.json', 'test_a-20260131120000', 'vm0', 'vm1'])
    }
    expect(await readFile(path.join(outputDir, 'report.json'), 'utf8')).toBe('report')
    const [kept = '', ...others] = (await readdir(prefix.dir)).filter((name) => name.startsWith('test_logs.'))
    expect(others).toEqual([])
    expect(await readdir(path.join(prefix.dir, kept))).toEqual(['vm0', 'vm1'])
  })

  test('may be a link: what it leads to is kept and made anew', async () => {
    const { prefix, outputDir } = await prefixWith(['/etc/name'])
    const link = path.join(prefix.dir, 'link')
    await symlink(outputDir, link)
    await expect(collectArtifacts(task, host, prefix, { outputDir: link })).rejects.toMatchObject({
      code: 'LAGO_COLLECT_TARGET', // it leads nowhere
    })
    await mkdir(outputDir)
    for (let count = 0; count < 2; count++) await collectArtifacts(task, host, prefix, { outputDir: link })
    expect(await readdir(link)).toEqual(['vm0', 'vm1'])
    expect((await readdir(prefix.dir)).filter((name) => name.startsWith('out put.'))).toHaveLength(1)
  })
})
