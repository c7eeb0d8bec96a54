/** The engine on libvirt's own test driver: what start, stop and destroy do to libvirt, and what a failure undoes. */
import { existsSync } from 'node:fs'
import { chmod, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseSubnet } from '../../src/base/ipv4.js'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createRegistry } from '../../src/base/registry.js'
import { loadConfig } from '../../src/config/load.js'
import { destroyPrefix } from '../../src/prefix/destroy.js'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { openHost, type Host } from '../../src/prefix/host.js'
import { initPrefix } from '../../src/prefix/init.js'
import { openPrefix, type Prefix } from '../../src/prefix/prefix.js'
import { startPrefix } from '../../src/prefix/start.js'
import { prefixStatus } from '../../src/prefix/status.js'
import { stopPrefix } from '../../src/prefix/stop.js'
import { parseInitFile } from '../../src/spec/load.js'
import type { HostUse } from '../../src/vm/provider.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'
import { networkXml } from './test-driver.js'

const makeTempDir = useTempDirs()
const hosts: Host[] = []
afterEach(async () => {
  for (const host of hosts.splice(0)) await host[Symbol.asyncDispose]()
})

const disk = '[{name: root, type: empty, dev: vda, format: qcow2, size: 1M}]'
const vm = (...nets: string[]): string =>
  `{memory: 64, vcpu: 1, nics: [${nets.map((net) => `{net: ${net}}`).join(', ')}], disks: ${disk}}`
const INIT_FILE = `
domains: {vm0: ${vm('lago', 'a')}, vm1: ${vm('lago')}, vm2: ${vm('lago', 'b')}}
nets: {lago: {management: true, dhcp: {start: 100, end: 254}}, a: {}, b: {}}
`

interface Env {
  readonly host: Host
  readonly prefix: Prefix
  states(): Promise<Record<string, string>>
}

/** An initialized environment of three VMs and three nets; a is vm0's, b is vm2's. */
async function environment(): Promise<Env> {
  const { task } = recordedTask()
  const dir = await makeTempDir()
  const env = { LAGO_LIBVIRT_URL: 'test:///default', LAGO_LEASE_DIR: path.join(dir, 'subnets') }
  const { config } = loadConfig({ env, homeDir: dir, cwd: dir, etcDir: dir, flags: new Map() })
  const host = openHost(config, { cacheDir: path.join(dir, 'cache') })
  hosts.push(host)
  const { spec } = await parseInitFile(INIT_FILE, path.join(dir, 'LagoInitFile'))
  const prefixDir = path.join(dir, 'prefix')
  await initPrefix(task, host, { prefixDir, spec, vars: {}, cwd: dir, bootstrap: true, build: true })
  const prefix = await openPrefix(prefixDir)
  const states = async (): Promise<Record<string, string>> => {
    const { Prefix: status } = (await prefixStatus(task, host, prefix)) as {
      Prefix: Record<'Networks' | 'VMs', Record<string, { status: string }>>
    } // the structure of spec 2.5
    const entries = [...Object.entries(status.Networks), ...Object.entries(status.VMs)]
    return Object.fromEntries(entries.map(([name, { status }]) => [name, status]))
  }
  return { host, prefix, states }
}

/** The host, but starting (or, with `stop`, stopping) VM `name` fails. */
function failingAt(host: Host, verb: 'start' | 'stop', name: string): Host {
  const real = host.providers.get('local-libvirt')
  const failing = {
    ...real,
    [verb]: async (...args: Parameters<typeof real.start>) => {
      if (args[1].spec.name === name) throw new Error(`${name} will not ${verb}`)
      await real[verb](...args)
    },
  }
  return { ...host, providers: createRegistry('VM provider', [['local-libvirt', failing]]) }
}

/** The host, but its VMs run here by `use`, as those of a real libvirt do. */
function runningBy(host: Host, use: HostUse): Host {
  const local = { ...host.providers.get('local-libvirt'), hostUse: async () => use }
  return { ...host, providers: createRegistry('VM provider', [['local-libvirt', local]]) }
}

const ALL_DOWN = { lago: 'down', a: 'down', b: 'down', vm0: 'down', vm1: 'down', vm2: 'down' }
const ALL_UP = { lago: 'up', a: 'up', b: 'up', vm0: 'running', vm1: 'running', vm2: 'running' }

test('start brings everything up, again does nothing, stop takes everything down', async () => {
  const { task } = recordedTask()
  const { host, prefix, states } = await environment()
  expect(await states()).toEqual(ALL_DOWN)
  await startPrefix(task, host, prefix, [])
  expect(await states()).toEqual(ALL_UP)
  await startPrefix(task, host, prefix, [])
  expect(await states()).toEqual(ALL_UP)
  await stopPrefix(task, host, prefix, [])
  await stopPrefix(task, host, prefix, [])
  expect(await states()).toEqual(ALL_DOWN)
})

describe('a host that cannot take the VMs', () => {
  const gone = { emulator: '/nonexistent/qemu', user: undefined }

  test('is told before anything is started, and --force starts all the same', async () => {
    const { task, messages } = recordedTask()
    const { host, prefix, states } = await environment()
    const unfit = runningBy(host, gone)
    await expect(startPrefix(task, unfit, prefix, [])).rejects.toMatchObject({
      code: 'LAGO_NOT_READY',
      message: "this host is not ready: libvirt's emulator /nonexistent/qemu is not there any more",
      hint: 'lago doctor; start --force starts all the same',
      data: { checks: { qemu: { command: 'lago doctor' } } },
    })
    expect(await states()).toEqual(ALL_DOWN)
    await startPrefix(task, unfit, prefix, [], { force: true })
    expect(messages('warning')).toContain("libvirt's emulator /nonexistent/qemu is not there any more")
    expect(await states()).toEqual(ALL_UP)
    await startPrefix(task, unfit, prefix, []) // nothing is down, so nothing is asked of the host
    await stopPrefix(task, host, prefix, [])
  })

  test('has too little memory, or a directory that keeps qemu out', async () => {
    const { task } = recordedTask()
    const { host, prefix, states } = await environment()
    const greedy = [...prefix.plan.vms].map(
      ([name, vm]) => [name, { ...vm, spec: { ...vm.spec, memoryMiB: 1e9 } }] as const,
    )
    const plan = { ...prefix.plan, vms: new Map(greedy) }
    const fit = { emulator: process.execPath, user: { uid: 0, gid: 0 } }
    await expect(startPrefix(task, runningBy(host, fit), { ...prefix, plan }, ['vm0'])).rejects.toMatchObject({
      code: 'LAGO_NOT_READY',
      message: expect.stringMatching(/^this host is not ready: 1 VM of the environment in .*prefix may take /),
    })
    await chmod(path.dirname(prefix.dir), 0o700) // the prefix itself is opened by start
    const stranger = { ...fit, user: { uid: 4_000_001, gid: 4_000_001 } }
    await expect(startPrefix(task, runningBy(host, stranger), prefix, [])).rejects.toMatchObject({
      code: 'LAGO_NOT_READY',
      message: expect.stringMatching(/uid 4000001 cannot enter .* on the way to /),
      hint: expect.stringMatching(/^(sudo )?(setfacl|chmod) /),
    })
    expect(await states()).toEqual(ALL_DOWN)
  })
})

test('start of one VM takes only the nets that it is on; stop leaves those that others use', async () => {
  const { task } = recordedTask()
  const { host, prefix, states } = await environment()
  await startPrefix(task, host, prefix, ['vm0'])
  expect(await states()).toEqual({ ...ALL_DOWN, lago: 'up', a: 'up', vm0: 'running' })
  await startPrefix(task, host, prefix, ['vm1', 'vm2'])
  await stopPrefix(task, host, prefix, ['vm0'])
  expect(await states()).toEqual({ ...ALL_UP, a: 'down', vm0: 'down' })
  await stopPrefix(task, host, prefix, [])
})

test('a VM that does not start takes back what this call began, and nothing that was up before', async () => {
  const { task } = recordedTask()
  const { host, prefix, states } = await environment()
  await startPrefix(task, host, prefix, ['vm1'])
  await expect(startPrefix(task, failingAt(host, 'start', 'vm2'), prefix, [])).rejects.toThrow('vm2 will not start')
  expect(await states()).toEqual({ ...ALL_DOWN, lago: 'up', vm1: 'running' })
  await stopPrefix(task, host, prefix, [])
})

test('a net that cannot be created is named, and the nets that this call made are gone', async () => {
  const { task } = recordedTask()
  const { host, prefix, states } = await environment()
  const nets = {
    ...host.nets,
    start: async (...args: Parameters<Host['nets']['start']>) => {
      if (args[1].spec.name === 'b') throw new Error('b is taken')
      await host.nets.start(...args)
    },
  }
  await expect(startPrefix(task, { ...host, nets }, prefix, [])).rejects.toThrow('b is taken')
  expect(await states()).toEqual(ALL_DOWN)
})

test('an abort in the middle of a start takes back what was begun', async () => {
  const { task, abort } = recordedTask()
  const { host, prefix, states } = await environment()
  const nets = {
    ...host.nets,
    active: async (...args: Parameters<Host['nets']['active']>) => {
      const active = await host.nets.active(...args)
      abort(new Error('Ctrl-C'))
      return active
    },
  }
  await expect(startPrefix(task, { ...host, nets }, prefix, [])).rejects.toThrow('Ctrl-C')
  expect(await states()).toEqual(ALL_DOWN)
})

test('one VM that does not stop does not keep the others up', async () => {
  const { task } = recordedTask()
  const { host, prefix, states } = await environment()
  await startPrefix(task, host, prefix, [])
  await expect(stopPrefix(task, failingAt(host, 'stop', 'vm0'), prefix, [])).rejects.toThrow('vm0 will not stop')
  expect(await states()).toMatchObject({ vm0: 'running', vm1: 'down', vm2: 'down' })
  await stopPrefix(task, host, prefix, [])
})

test('destroy that cannot stop deletes nothing; destroy that can leaves nothing', async () => {
  const { task } = recordedTask()
  const { host, prefix, states } = await environment()
  await startPrefix(task, host, prefix, [])
  await expect(destroyPrefix(task, failingAt(host, 'stop', 'vm1'), prefix.dir)).rejects.toThrow('vm1 will not stop')
  expect(existsSync(prefix.layout.initialized)).toBe(true)
  expect(await readdir(host.config.leaseDir)).toHaveLength(5) // one for each net, the lock, and the register
  await destroyPrefix(task, host, prefix.dir)
  expect(await states()).toEqual(ALL_DOWN)
  expect(existsSync(prefix.dir)).toBe(false)
  expect(await readdir(host.config.leaseDir)).toEqual(['environments', 'subnet-lease.lock'])
  expect(await host.register.list()).toEqual([])
})

test.each([
  ['a VM described in half', (prefix: Prefix) => writeFile(prefix.layout.vm('vm1'), '{"name": ')],
  ['a VM without its file', (prefix: Prefix) => rm(prefix.layout.vm('vm1'))],
  ['no list of names', (prefix: Prefix) => rm(prefix.layout.env)],
])('destroy takes down what runs of a prefix with %s', async (_, damage) => {
  const { task } = recordedTask()
  const { host, prefix, states } = await environment()
  await startPrefix(task, host, prefix, [])
  await damage(prefix)
  await destroyPrefix(task, host, prefix.dir)
  expect(existsSync(prefix.dir)).toBe(false)
  expect(await states()).toEqual(ALL_DOWN)
})

test('destroy refuses a prefix whose uuid is gone, as it could not find what runs', async () => {
  const { task } = recordedTask()
  const { host, prefix } = await environment()
  await rm(prefix.layout.uuid)
  await expect(destroyPrefix(task, host, prefix.dir)).rejects.toMatchObject({ code: 'LAGO_PREFIX_CORRUPT' })
  expect(existsSync(prefix.layout.env)).toBe(true)
})

test('destroy refuses a directory that is no prefix', async () => {
  const { task } = recordedTask()
  const { host } = await environment()
  const dir = await makeTempDir()
  await writeFile(path.join(dir, 'thesis.txt'), '')
  await expect(destroyPrefix(task, host, dir)).rejects.toMatchObject({ code: 'LAGO_NO_PREFIX' })
  expect(await readdir(dir)).toEqual(['thesis.txt'])
})

test.each(['', '../../../x', 'F'.repeat(32)])('a uuid that is %j is not one', async (uuid) => {
  const { prefix } = await environment()
  await writeFile(prefix.layout.uuid, uuid)
  await expect(openPrefix(prefix.dir)).rejects.toMatchObject({ code: 'LAGO_PREFIX_CORRUPT' })
})

test("another's network of the same name stops the start, and is left alone by stop", async () => {
  const { task } = recordedTask()
  const { host, prefix, states } = await environment()
  const foreign = openLibvirt({ uri: 'test:///default' })
  const name = prefix.plan.nets.get('a')?.libvirtName ?? ''
  await foreign.createNetwork(task, networkXml(name))
  await expect(startPrefix(task, host, prefix, [])).rejects.toMatchObject({
    code: 'LAGO_LIBVIRT',
    message: expect.stringMatching(/^net a: libvirt could not create .*already exists/),
  })
  await stopPrefix(task, host, prefix, [])
  expect(await states()).toEqual(ALL_DOWN)
  expect((await foreign.activeNetworks(task, [name])).has(name)).toBe(true)
  await foreign.destroyNetwork(task, name)
  await foreign.close()
})

test('a prefix that was moved takes its subnets again when it starts, unless somebody has them', async () => {
  const { task } = recordedTask()
  const { host, prefix } = await environment()
  const moved = path.join(path.dirname(prefix.dir), 'moved')
  await rename(prefix.dir, moved)
  const there = await openPrefix(moved)
  await startPrefix(task, host, there, [])
  await stopPrefix(task, host, there, [])
  const owner = { uuidPath: there.layout.uuid, uuid: there.plan.uuid }
  expect(await host.leases.list(task)).toHaveLength(3)
  await host.leases.release(task, owner)
  const subnet = parseSubnet(there.plan.nets.get('lago')?.subnet ?? '') ?? { network: 0, length: 0 }
  const other = path.join(path.dirname(moved), 'other-uuid')
  await writeFile(other, 'other')
  await host.leases.acquire(task, { uuidPath: other, uuid: 'other' }, { subnet })
  await expect(startPrefix(task, host, there, [])).rejects.toMatchObject({
    code: 'LAGO_SUBNET_TAKEN',
    message: expect.stringMatching(/^net lago: /),
  })
})

test('an init that fails late gives the subnets back and removes its directory', async () => {
  const { task } = recordedTask()
  const { host } = await environment()
  const dir = await makeTempDir()
  const notADir = path.join(dir, 'script.sh')
  await writeFile(notADir, '')
  const text = INIT_FILE.replace('memory: 64', `memory: 64, metadata: {deploy-scripts: [${notADir}]}`)
  const { spec } = await parseInitFile(text, path.join(dir, 'LagoInitFile'))
  const before = await readdir(host.config.leaseDir)
  const aborted = recordedTask()
  const store = host.store
  const leases = {
    ...host.leases,
    acquire: async (...args: Parameters<Host['leases']['acquire']>) => {
      const lease = await host.leases.acquire(...args)
      if ('length' in args[2]) aborted.abort(new Error('Ctrl-C'))
      return lease
    },
  }
  const request = { prefixDir: path.join(dir, 'prefix'), spec, vars: {}, cwd: dir, bootstrap: true, build: true }
  await expect(initPrefix(aborted.task, { ...host, store, leases }, request)).rejects.toThrow('Ctrl-C')
  expect(await readdir(dir)).toEqual(['script.sh'])
  expect(await readdir(host.config.leaseDir)).toEqual(before)
  await initPrefix(task, host, request)
  await destroyPrefix(task, host, request.prefixDir)
})
