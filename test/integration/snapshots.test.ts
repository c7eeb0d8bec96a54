/**
 * Snapshots of a running environment: one VM that has all in qcow2 images and is taken back in place, one with a raw
 * disk, whose images are frozen. The tests are the life of one environment, in order.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { waitUntil, type Probe } from '../../src/base/wait.js'
import { makeProject, type LagoProject, type LagoRun } from '../helpers/lago-project.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { hostState, MINI_ENV, miniVm } from '../helpers/real-host.js'

const run = promisify(execFile)
let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-snapshots-'))
  const inside = miniVm([{ net: 'lago' }]) as { disks: object[] }
  const frozen = miniVm([{ net: 'lago' }]) as { disks: object[] }
  frozen.disks.push({ name: 'data', type: 'empty', format: 'raw', dev: 'vdb', size: '16M' })
  const initFile = {
    domains: { inside, frozen },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
  await succeed('init')
  await succeed('start')
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

const VMS = ['inside', 'frozen']

async function succeed(...args: string[]): Promise<LagoRun> {
  const outcome = await project.lago(args)
  if (outcome.exitCode !== 0) throw new Error(`lago ${args.join(' ')}: ${outcome.exitCode}: ${outcome.stderr}`)
  return outcome
}

/** In memory, on the system's disk and, where there is one, on the raw disk. */
async function mark(text: string): Promise<void> {
  for (const vm of VMS)
    await succeed(
      'shell',
      vm,
      `echo ${text} > /tmp/mark; echo ${text} > /root/mark; [ ! -b /dev/vdb ] || echo ${text} > /dev/vdb; sync`,
    )
}

async function marks(vm: string): Promise<string> {
  const read = 'cat /tmp/mark /root/mark 2>/dev/null; [ ! -b /dev/vdb ] || head -n 1 /dev/vdb'
  return (await succeed('shell', vm, read)).stdout
}

async function expectMarks(text: string): Promise<void> {
  expect(await marks('inside')).toBe(`${text}\n`.repeat(2))
  expect(await marks('frozen')).toBe(`${text}\n`.repeat(3))
}

async function bootIds(): Promise<string[]> {
  const read = async (vm: string): Promise<string> =>
    (await succeed('shell', vm, 'cat /proc/sys/kernel/random/boot_id')).stdout
  return Promise.all(VMS.map(read))
}

async function states(): Promise<unknown> {
  const { stdout } = await succeed('-f', 'json', 'status')
  const { Prefix } = JSON.parse(stdout) as { Prefix: { VMs: Record<string, { status: string; snapshots: string }> } }
  return Object.fromEntries(VMS.map((vm) => [vm, Prefix.VMs[vm]]))
}

const image = (name: string): string => path.join(project.dir, '.lago/default/images', name)

async function tagsIn(imageName: string): Promise<string[]> {
  const { stdout } = await run('qemu-img', ['info', '-U', '--output=json', image(imageName)])
  const { snapshots = [] } = JSON.parse(stdout) as { snapshots?: { name: string }[] }
  return snapshots.map(({ name }) => name)
}

test('a snapshot keeps memory and disks, and all VMs run on', async () => {
  await mark('first')
  await bootIds() // the kernel makes it up when it is first read
  await succeed('snapshot', 'first')
  expect(await states()).toMatchObject({
    inside: { status: 'running', snapshots: 'first' },
    frozen: { status: 'running', snapshots: 'first' },
  })
  await mark('later')
  await expectMarks('later')
})

test('revert goes back to older and to newer snapshots, with the processes that ran and without a boot', async () => {
  await succeed('snapshot', 'second')
  await mark('last')
  const boots = await bootIds()
  await succeed('revert', 'first')
  await expectMarks('first')
  await succeed('revert', 'second')
  await expectMarks('later')
  await succeed('revert', 'first')
  await expectMarks('first')
  expect(await bootIds()).toEqual(boots)
})

test('clocks are right after a revert', async () => {
  await succeed('revert', 'first')
  for (const vm of VMS) {
    const seconds = Number((await succeed('shell', vm, 'date +%s')).stdout)
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(5)
  }
})

test('a name in use is refused, an unknown one lists those there are, and nothing is touched', async () => {
  const used = await project.lago(['snapshot', 'first'])
  expect(used).toMatchObject({ exitCode: 2, stdout: '' })
  expect(used.stderr).toContain('LAGO_SNAPSHOT_EXISTS')
  const unknown = await project.lago(['revert', 'frist'])
  expect(unknown).toMatchObject({ exitCode: 2, stdout: '' })
  expect(unknown.stderr).toMatch(/No snapshot frist for inside, frozen; did you mean first\?[^]*first, second/)
  const odd = await project.lago(['snapshot', '../escape'])
  expect(odd.stderr).toContain('LAGO_SNAPSHOT_NAME')
  await expectMarks('first')
})

test('when one VM cannot be kept, none is: no half snapshot, and all run', async () => {
  const obstacle = image('../virt/snapshot-frozen.broken.xml')
  await mkdir(path.join(obstacle, 'in the way'), { recursive: true })
  const files = await readdir(image('.'))
  const failed = await project.lago(['snapshot', 'broken'])
  expect(failed).toMatchObject({ exitCode: 2 })
  expect(failed.stderr).toContain('snapshot-frozen.broken.xml')
  await rm(obstacle, { recursive: true })
  expect(await tagsIn('inside_root.qcow2')).not.toContain('lago.broken')
  expect(await readdir(image('.'))).toEqual(files)
  expect(await states()).toMatchObject({
    inside: { status: 'running', snapshots: 'first, second' },
    frozen: { status: 'running', snapshots: 'first, second' },
  })
  await expectMarks('first')
})

test('a snapshot that was killed is told and put right by the next verb, and nothing written later is lost', async () => {
  const child = project.spawnLago(['snapshot', 'killed'])
  const ended = once(child, 'exit')
  const note = image('../virt/under-way')
  const begun = async (): Promise<Probe<true>> => (existsSync(note) ? { value: true } : { notYet: 'no note' })
  await waitUntil(recordedTask().task, 'the snapshot', begun, { timeoutMs: 20_000, everyMs: 5 })
  child.kill('SIGKILL')
  await ended
  const { stderr } = await succeed('start')
  expect(stderr).toContain('"lago snapshot killed" was interrupted')
  expect(await states()).toMatchObject({ inside: { status: 'running' }, frozen: { status: 'running' } })
  await mark('kept')
  await succeed('stop')
  await succeed('start', '--wait')
  expect(await marks('inside')).toBe('kept\n')
  expect(await marks('frozen')).toBe('kept\nkept\n')
})

test('a stopped environment goes back to where it ran', async () => {
  await succeed('stop')
  await succeed('revert', 'second')
  await expectMarks('later')
})

test('the environment sleeps with its memory and goes on where it was', async () => {
  const boots = await bootIds()
  await succeed('stop', '--suspend')
  expect(await states()).toMatchObject({ inside: { status: 'suspended' }, frozen: { status: 'suspended' } })
  const refused = await project.lago(['snapshot', 'asleep'])
  expect(refused.stderr).toContain('LAGO_VM_SUSPENDED')
  await succeed('start')
  await expectMarks('later')
  expect(await bootIds()).toEqual(boots)
})

test('disks alone: running VMs boot again from them, and a stopped one stays down', async () => {
  await succeed('snapshot', '--disk-only', 'disks')
  await mark('lost')
  const boots = await bootIds()
  await succeed('revert', 'disks')
  expect(await marks('inside')).toBe('later\n') // what was in memory is gone
  expect(await marks('frozen')).toBe('later\nlater\n')
  expect(await bootIds()).not.toEqual(boots)
  await succeed('stop')
  await succeed('snapshot', 'off')
  await succeed('revert', 'off')
  expect(await states()).toMatchObject({ inside: { status: 'down' }, frozen: { status: 'down' } })
})

test('a prefix that was moved keeps its snapshots', async () => {
  await rename(path.join(project.dir, '.lago/default'), path.join(project.dir, '.lago/moved'))
  await succeed('--prefix-name', 'moved', 'revert', 'first')
  await succeed('--prefix-name', 'moved', 'shell', 'inside', 'grep -q first /tmp/mark')
  await succeed('--prefix-name', 'moved', 'shell', 'frozen', 'grep -q first /tmp/mark')
  await succeed('--prefix-name', 'moved', 'stop')
  await rename(path.join(project.dir, '.lago/moved'), path.join(project.dir, '.lago/default'))
})

test('list tells when, what and how big; deleting leaves nothing that nobody needs', async () => {
  const listed = JSON.parse((await succeed('-f', 'json', 'snapshot', '--list')).stdout) as Record<
    string,
    Record<string, { memory?: boolean; disk_use_bytes?: number; path: string }[]>
  >
  expect(listed['inside']?.['first']?.[0]).toMatchObject({ memory: true, path: image('inside_root.qcow2') })
  expect(listed['inside']?.['first']?.[0]?.disk_use_bytes).toBeGreaterThan(1_000_000)
  expect(listed['frozen']?.['first']?.[0]?.disk_use_bytes).toBeGreaterThan(1_000_000)
  await succeed('start')
  for (const name of ['first', 'second', 'disks', 'off']) await succeed('snapshot', '--delete', name)
  expect(await tagsIn('inside_root.qcow2')).toEqual([])
  expect((await readdir(image('.'))).filter((name) => name.endsWith('.memory'))).toEqual([])
  expect((await readdir(image('../virt'))).filter((name) => name.startsWith('snapshot-'))).toEqual([])
  expect(await states()).toMatchObject({ inside: { snapshots: '' }, frozen: { snapshots: '' } })
  expect(await marks('inside')).toMatch(/^first\n/)
})

test('destroy leaves the host as it was', async () => {
  await succeed('destroy', '--yes')
  expect(await hostState(before)).toEqual(before)
})
