/**
 * A host that was switched off and on again: domains, networks, bridges and what libvirt keeps in /run are gone, disks
 * and prefixes are not. The tests are the life of one environment, in order.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { makeProject, type LagoProject } from '../helpers/lago-project.js'
import { hostState, MINI_ENV, miniVm } from '../helpers/real-host.js'

const run = promisify(execFile)
let project: LagoProject
let before: Awaited<ReturnType<typeof hostState>>

beforeAll(async () => {
  before = await hostState()
  const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-reboot-'))
  const initFile = {
    domains: { vm0: miniVm([{ net: 'lago' }, { net: 'bridged' }]) },
    nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } }, bridged: { type: 'bridge' } },
  }
  project = await makeProject(dir, { LagoInitFile: JSON.stringify(initFile) }, MINI_ENV)
  for (const args of [['init'], ['start']]) expect(await project.lago(args)).toMatchObject({ exitCode: 0 })
})

afterAll(async () => {
  await project.lago(['destroy', '--yes'])
  await rm(project.dir, { recursive: true, force: true })
})

interface Status {
  readonly Prefix: {
    readonly Networks: Record<string, { status: string; gateway?: string }>
    readonly VMs: Record<string, { status: string; NICs: unknown }>
  }
}

async function status(): Promise<Status['Prefix']> {
  return (JSON.parse((await project.lago(['-f', 'json', 'status'])).stdout) as Status).Prefix
}

/** All at once and without a word to lago, as a power cut does it. */
async function cutPower(): Promise<void> {
  const uuid = await project.read('.lago/default/uuid')
  const virsh = async (...args: string[]): Promise<unknown> => run('virsh', ['-q', '-c', 'qemu:///system', ...args])
  await virsh('destroy', `${uuid.slice(0, 8)}-vm0`)
  for (const net of ['lago', 'bridged']) await virsh('net-destroy', `${uuid.slice(0, 4)}-${net}`)
  await run('ip', ['link', 'delete', 'dev', `${uuid.slice(0, 4)}-bridged`])
}

test('status tells that all is down, and start brings back the same environment with the same addresses', async () => {
  expect(await project.lago(['wait', 'ssh'])).toMatchObject({ exitCode: 0 })
  expect(await project.lago(['shell', 'vm0', 'echo kept > /root/mark; sync'])).toMatchObject({ exitCode: 0 })
  const then = await status()
  await cutPower()
  expect(await hostState(before)).toEqual(before)
  const off = await status()
  expect(off.VMs['vm0']?.status).toBe('down')
  expect(Object.values(off.Networks).map((net) => net.status)).toEqual(['down', 'down'])
  expect(await project.lago(['start', '--wait'])).toMatchObject({ exitCode: 0 })
  expect(await status()).toEqual(then)
  expect((await project.lago(['shell', 'vm0', 'cat', '/root/mark'])).stdout).toBe('kept\n')
})

test('a power cut in the middle of a start is told and finished', async () => {
  const then = await status()
  await cutPower()
  const note = { verb: 'start', vms: [], paused: [], unfinished: [] }
  await writeFile(path.join(project.dir, '.lago/default/virt/under-way'), JSON.stringify(note))
  const start = await project.lago(['start', '--wait'])
  expect(start.stderr).toContain('"lago start" was interrupted: it is finished now')
  expect(await status()).toEqual(then)
})

test('destroy leaves the host as it was', async () => {
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
  expect(await hostState(before)).toEqual(before)
  expect(await project.ls('subnets')).toEqual(['environments', 'subnet-lease.lock'])
})
