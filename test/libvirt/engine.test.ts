/** The engine on libvirt's own test driver: what start, stop and destroy do to libvirt, and what a failure undoes. */
import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { createRegistry } from '../../src/base/registry.js'
import { loadConfig } from '../../src/config/load.js'
import { destroyPrefix } from '../../src/prefix/destroy.js'
import { openHost, type Host } from '../../src/prefix/host.js'
import { initPrefix } from '../../src/prefix/init.js'
import { openPrefix, type Prefix } from '../../src/prefix/prefix.js'
import { startPrefix } from '../../src/prefix/start.js'
import { prefixStatus } from '../../src/prefix/status.js'
import { stopPrefix } from '../../src/prefix/stop.js'
import { parseInitFile } from '../../src/spec/load.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'

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
  await initPrefix(task, host, { prefixDir, spec, vars: {}, cwd: dir, bootstrap: true })
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
  expect(await readdir(host.config.leaseDir)).toContain('200.lease')
  await destroyPrefix(task, host, prefix.dir)
  expect(await states()).toEqual(ALL_DOWN)
  expect(existsSync(prefix.dir)).toBe(false)
  expect(await readdir(host.config.leaseDir)).toEqual(['subnet-lease.lock'])
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
      if (args[2] === undefined) aborted.abort(new Error('Ctrl-C'))
      return lease
    },
  }
  const request = { prefixDir: path.join(dir, 'prefix'), spec, vars: {}, cwd: dir, bootstrap: true }
  await expect(initPrefix(aborted.task, { ...host, store, leases }, request)).rejects.toThrow('Ctrl-C')
  expect(await readdir(dir)).toEqual(['script.sh'])
  expect(await readdir(host.config.leaseDir)).toEqual(before)
  await initPrefix(task, host, request)
  await destroyPrefix(task, host, request.prefixDir)
})
