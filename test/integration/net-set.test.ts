/**
 * Links of two mini guests, degraded and mended again, through the program as a user runs it. The tests are the life of
 * one environment, in order; each builds on those before it. What a kernel cannot do is asked of it, and expected to be
 * refused.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { askKernel } from '../../src/vm/libvirt/links/kernel.js'
import { makeProject, type LagoProject, type LagoRun } from '../helpers/lago-project.js'
import { hostState, MINI_ENV, miniVm } from '../helpers/real-host.js'
import { recordedTask } from '../helpers/recorded-task.js'

const run = promisify(execFile)
const { task } = recordedTask()
let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-net-set-'))
  const nics = [{ net: 'lago' }, { net: 'storage' }]
  const initFile = {
    domains: { vm0: miniVm(nics), vm1: miniVm(nics) },
    nets: {
      lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } },
      storage: { type: 'nat', dhcp: { start: 100, end: 254 } },
    },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['start', '--wait=ssh'])).toMatchObject({ exitCode: 0 })
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

const ok = async (...args: string[]): Promise<LagoRun> => {
  const outcome = await project.lago(args)
  expect(outcome).toMatchObject({ exitCode: 0 })
  return outcome
}

const pingVm1 = async (): Promise<number> => {
  const { nics } = JSON.parse(await project.read('.lago/default/virt/vm-vm1')) as { nics: { ip: string }[] }
  return (await project.lago(['shell', 'vm0', 'ping', '-c', '1', '-W', '2', nics[1]?.ip ?? ''])).exitCode
}

/** What the guest's own card says; asked over the other net, so that the guest is known to live. */
const carrier = async (vm: string): Promise<string> =>
  (await ok('shell', vm, 'cat', '/sys/class/net/eth1/carrier')).stdout.trim()

const links = async (): Promise<unknown> => {
  const { Prefix } = JSON.parse((await ok('-f', 'json', 'status')).stdout) as {
    Prefix: { VMs: Record<string, { NICs: Record<string, { link?: unknown }> }> }
  } // the structure of spec 2.5
  return Object.fromEntries(
    Object.entries(Prefix.VMs).map(([vm, { NICs }]) => [vm, Object.values(NICs).map(({ link }) => link ?? 'healthy')]),
  )
}

/** The interface as virsh shows it, and the queues of its tap. */
const live = async (vm: string, nic: number): Promise<{ xml: string; queues: string }> => {
  const uuid = await project.read('.lago/default/uuid')
  const { stdout } = await run('virsh', ['-c', 'qemu:///system', 'dumpxml', `${uuid.slice(0, 8)}-${vm}`])
  const xml = stdout.match(/<interface [^]*?<\/interface>/g)?.[nic] ?? ''
  const tap = /<target dev='([^']*)'/.exec(xml)?.[1] ?? ''
  return { xml, queues: (await run('tc', ['qdisc', 'show', 'dev', tap])).stdout }
}

/** libvirt's numbers, which each new qemu has another of. */
const domainIds = async (): Promise<string> => {
  const uuid = await project.read('.lago/default/uuid')
  const domains = ['vm0', 'vm1'].map((vm) => `${uuid.slice(0, 8)}-${vm}`)
  const ids = domains.map(async (domain) => run('virsh', ['-c', 'qemu:///system', 'domid', domain]))
  return (await Promise.all(ids)).map(({ stdout }) => stdout.trim()).join()
}

const HEALTHY = { vm0: ['healthy', 'healthy'], vm1: ['healthy', 'healthy'] }

/** Limited by libvirt where the kernel lets it, else by the tap's own queue. */
async function expectRate(vm: string, nic: number): Promise<void> {
  const byLibvirt = (await askKernel(task, 'libvirt')) === undefined
  const { xml, queues } = await live(vm, nic)
  if (byLibvirt) {
    expect(xml).toMatch(/<inbound average='1250'\/>\s*<outbound average='1250'\/>/)
    expect(queues).toContain('qdisc htb 1: root')
  } else {
    expect(xml).not.toContain('<bandwidth>')
    expect(queues).toMatch(/qdisc tbf 1: root .*rate 10Mbit/)
  }
}

test('a healthy environment has no word about links', async () => {
  expect(await links()).toEqual(HEALTHY)
  expect(await pingVm1()).toBe(0)
})

test('a link that is down lets nothing through, and the guest lives', async () => {
  expect(await ok('net', 'set', 'vm0:storage', '--down')).toMatchObject({ stdout: '' })
  expect(await links()).toEqual({ ...HEALTHY, vm0: ['healthy', { state: 'down' }] })
  expect(await carrier('vm0')).toBe('0')
  expect(await carrier('vm1')).toBe('1')
  expect(await pingVm1()).not.toBe(0)
})

test('a rate is set on every nic of a net, beside what is set already', async () => {
  await ok('net', 'set', 'storage', '--rate', '10mbit')
  expect(await links()).toEqual({
    vm0: ['healthy', { state: 'down', rate: '10mbit' }],
    vm1: ['healthy', { rate: '10mbit' }],
  })
  await expectRate('vm0', 1)
  await expectRate('vm1', 1)
  expect((await live('vm1', 0)).queues).not.toMatch(/tbf|htb/)
})

test('a kernel without netem refuses delay and loss with its own words, and nothing is changed', async () => {
  const refused = await project.lago(['net', 'set', 'vm1:storage', '--up', '--delay', '50ms', '--loss', '1%'])
  if ((await askKernel(task, 'netem')) === undefined) {
    expect(refused).toMatchObject({ exitCode: 0 })
    expect((await live('vm1', 1)).queues).toMatch(/qdisc netem 10: parent 1:1 .*delay 50ms loss 1%/)
    await ok('net', 'set', 'vm1:storage', '--clear', '--rate', '10mbit')
  } else {
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' })
    expect(refused.stderr).toContain('LAGO_LINK_UNSUPPORTED')
    expect(refused.stderr).toContain('"tc qdisc add dev lo root netem delay 1ms loss 1%" was answered with')
  }
  expect(await links()).toMatchObject({ vm1: ['healthy', { rate: '10mbit' }] })
})

test('links are as they were after stop and start', async () => {
  await ok('stop')
  await ok('start', '--wait=ssh')
  expect(await carrier('vm0')).toBe('0')
  await expectRate('vm0', 1)
  await expectRate('vm1', 1)
  expect(await links()).toMatchObject({ vm0: ['healthy', { state: 'down', rate: '10mbit' }] })
})

test('a guest that reboots finds its link as it was', async () => {
  const bootId = async (): Promise<string> =>
    (await project.lago(['shell', 'vm0', 'cat', '/proc/sys/kernel/random/boot_id'])).stdout
  const first = await bootId()
  await ok('shutdown', '--reboot', 'vm0')
  for (let now = first; now === first || now === '';) now = await bootId()
  expect(await carrier('vm0')).toBe('0')
  await expectRate('vm0', 1)
})

test('a revert in place takes links to what is set now, whatever the memory says', async () => {
  await ok('snapshot', 'before')
  await ok('net', 'set', 'vm0:eth1', '--up')
  await ok('net', 'set', 'vm1:1', '--clear', '--down')
  const qemu = await domainIds()
  await ok('revert', 'before')
  expect(await domainIds()).toEqual(qemu)
  expect([await carrier('vm0'), await carrier('vm1')]).toEqual(['1', '0'])
  await expectRate('vm0', 1)
  expect((await live('vm1', 1)).queues).not.toMatch(/tbf|htb/)
})

test('what is set while VMs sleep holds when they wake', async () => {
  await ok('stop', '--suspend')
  await ok('net', 'set', 'vm0:eth1', '--down')
  await ok('net', 'set', 'vm1:1', '--up')
  await ok('start', '--wait=ssh')
  expect([await carrier('vm0'), await carrier('vm1')]).toEqual(['0', '1'])
  await expectRate('vm0', 1)
})

test('so does what is set when a revert has to make a new qemu', async () => {
  await ok('net', 'set', 'vm0:1', '--up')
  await ok('net', 'set', 'vm1:1', '--down')
  const qemu = await domainIds()
  await ok('revert', 'before')
  expect(await domainIds()).not.toEqual(qemu)
  expect([await carrier('vm0'), await carrier('vm1')]).toEqual(['1', '0'])
  await expectRate('vm0', 1)
})

test('--clear restores the link, and what libvirt and the kernel know of it', async () => {
  await ok('net', 'set', 'storage', '--clear')
  expect(await links()).toEqual(HEALTHY)
  expect(await carrier('vm0')).toBe('1')
  expect(await pingVm1()).toBe(0)
  const { xml, queues } = await live('vm0', 1)
  expect(xml).not.toMatch(/<bandwidth>|<link state='down'/)
  expect(queues).not.toMatch(/tbf|htb|netem/)
})

test('destroy leaves the host as it was before init', async () => {
  await ok('destroy', '--yes')
  expect(await hostState(before)).toEqual(before)
})
