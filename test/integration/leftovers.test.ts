/**
 * What `lago list --all` tells and what `lago gc` finds, on libvirt's own test driver and on real bridges of this host, which
 * every `lago gc` of this host would find, those of other tests too.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.js'
import { removeBridge } from '../../src/net/bridge.js'
import { openLibvirt } from '../../src/libvirt/connection.js'
import type { LibvirtConnection } from '../../src/libvirt/types.js'
import { changePrefix } from '../../src/prefix/change.js'
import { destroyPrefix } from '../../src/prefix/destroy.js'
import { listEnvironments } from '../../src/prefix/environments.js'
import { openHost, type Host } from '../../src/prefix/host.js'
import { initPrefix } from '../../src/prefix/init.js'
import { findLeftovers, removeLeftovers, type Leftover } from '../../src/prefix/leftovers.js'
import { openPrefix, type Prefix } from '../../src/prefix/prefix.js'
import { startPrefix } from '../../src/prefix/start.js'
import { stopPrefix } from '../../src/prefix/stop.js'
import { parseInitFile } from '../../src/spec/load.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'
import { domainXml, networkXml, TEST_URI } from '../libvirt/test-driver.js'

const run = promisify(execFile)
const { task } = recordedTask()
let root: string
let host: Host
let libvirt: LibvirtConnection
let before: Readonly<Record<string, readonly string[]>>

beforeEach(async () => {
  root = await makeTempDir()
  const env = { LAGO_LIBVIRT_URL: TEST_URI, LAGO_LEASE_DIR: path.join(root, 'subnets') }
  const { config } = loadConfig({ env, homeDir: root, cwd: root, etcDir: root, flags: new Map() })
  host = openHost(config, { cacheDir: path.join(root, 'cache') })
  libvirt = openLibvirt({ uri: TEST_URI, user: undefined, password: undefined })
  before = await objects()
})

afterEach(async () => {
  await removeLeftovers(task, host, await findLeftovers(task, host))
  for (const { dir } of await listEnvironments(task, host)) await destroyPrefix(task, host, dir)
  expect(await objects()).toEqual(before)
  await host[Symbol.asyncDispose]()
  await libvirt.close()
})
const makeTempDir = useTempDirs()

/** What this process has in libvirt, and the bridges of this host that Lago has made for it. */
async function objects(): Promise<Readonly<Record<string, readonly string[]>>> {
  return {
    domains: [...(await libvirt.allDomains(task)).keys()].sort(),
    networks: [...(await libvirt.allNetworks(task)).keys()].sort(),
  }
}

const disk = '[{name: root, type: empty, dev: vda, format: qcow2, size: 1M}]'
const INIT_FILE = `
domains: {vm0: {memory: 64, vcpu: 1, nics: [{net: lago}, {net: br}], disks: ${disk}}, vm1: {memory: 32, nics: [{net: lago}]}}
nets: {lago: {management: true, subnet: SUBNET}, br: {type: bridge}}
`

async function environment(name: string, subnet: string): Promise<Prefix> {
  const { spec } = await parseInitFile(INIT_FILE.replace('SUBNET', subnet), path.join(root, 'LagoInitFile'))
  const prefixDir = path.join(root, name)
  await initPrefix(task, host, { prefixDir, spec, vars: {}, cwd: root, bootstrap: true, build: true })
  return openPrefix(prefixDir)
}

async function bridges(): Promise<string[]> {
  return readdir('/sys/class/net')
}

function kinds(leftovers: readonly Leftover[]): string[] {
  return leftovers.map(({ kind, dir }) => `${kind} ${path.basename(dir ?? '?')}`).sort()
}

test('every environment is listed, with what it is and has', async () => {
  const [a] = [await environment('a', '10.81.0.0/24'), await environment('b', '10.81.1.0/24')]
  await startPrefix(task, host, a, ['vm0'])
  const [first, second, ...others] = await listEnvironments(task, host)
  expect(others).toEqual([])
  expect(first).toMatchObject({
    dir: a.dir,
    uuid: a.plan.uuid,
    state: 'partly',
    vmCount: 2,
    runningCount: 1,
    memoryMiB: 64,
  })
  expect(second).toMatchObject({ state: 'down', runningCount: 0, memoryMiB: 0 })
  expect(first?.diskBytes).toBeGreaterThan(4096)
  await startPrefix(task, host, a, [])
  expect((await listEnvironments(task, host))[0]).toMatchObject({ state: 'running', memoryMiB: 96 })
})

test('of an environment that was deleted by hand everything is found and removed, and nothing of others', async () => {
  const [gone, alive] = [await environment('gone', '10.81.0.0/24'), await environment('alive', '10.81.1.0/24')]
  for (const prefix of [gone, alive]) await startPrefix(task, host, prefix, [])
  await libvirt.createDomain(task, domainXml('not-ours'))
  await libvirt.createNetwork(task, networkXml('not-ours'))
  const ours = await bridges()
  await rm(gone.dir, { recursive: true })
  const found = await findLeftovers(task, host)
  expect(kinds(found)).toEqual([
    'domain gone',
    'domain gone',
    'lease gone',
    'network gone',
    'network gone',
    'record gone',
  ])
  expect(new Set(found.map(({ uuid }) => uuid))).toEqual(new Set([gone.plan.uuid]))
  await removeLeftovers(task, host, found)
  expect(await findLeftovers(task, host)).toEqual([])
  expect((await listEnvironments(task, host)).map(({ dir, state }) => [dir, state])).toEqual([[alive.dir, 'running']])
  expect(await objects()).toMatchObject({
    domains: expect.arrayContaining(['not-ours']),
    networks: expect.arrayContaining(['not-ours']),
  })
  const bridge = gone.plan.nets.get('br')?.bridgeName ?? ''
  expect(ours.filter((name) => name === bridge)).toEqual([bridge])
  expect((await bridges()).filter((name) => name === bridge)).toEqual([])
  await libvirt.destroyDomain(task, 'not-ours')
  await libvirt.destroyNetwork(task, 'not-ours')
})

test('an environment that was moved is found where it is, once a verb has changed it', async () => {
  const moved = path.join(root, 'moved')
  const { dir } = await environment('a', '10.81.0.0/24')
  await rename(dir, moved)
  const how = { host: async () => host, undertaking: { verb: 'start' } } as const
  await changePrefix(task, moved, how, async (prefix) => startPrefix(task, host, prefix, []))
  expect(kinds(await findLeftovers(task, host))).toEqual(['record a']) // the lease is renewed
  expect(await listEnvironments(task, host)).toMatchObject([{ dir: moved, state: 'running' }])
})

test('a bridge that a killed run has left alone is found by its alias', async () => {
  const name = 'lagotest-left'
  await run('ip', ['link', 'add', 'name', name, 'type', 'bridge'])
  try {
    expect((await findLeftovers(task, host)).filter((one) => one.name === name)).toEqual([]) // whose is it?
    const uuid = 'f'.repeat(32)
    await run('ip', ['link', 'set', 'dev', name, 'alias', `lago ${uuid}`])
    expect((await findLeftovers(task, host)).filter((one) => one.name === name)).toEqual([]) // where is it?
    await run('ip', ['link', 'set', 'dev', name, 'alias', `lago ${uuid} ${root}/gone`])
    const found = (await findLeftovers(task, host)).filter((one) => one.name === name)
    expect(found).toEqual([{ kind: 'bridge', name, uuid, dir: `${root}/gone` }])
    await removeLeftovers(task, host, found)
    expect(existsSync(`/sys/class/net/${name}`)).toBe(false)
  } finally {
    await run('ip', ['link', 'delete', 'dev', name]).catch(() => undefined) // it should be gone
  }
})

test('what goes with its environment while it is looked for is no leftover', async () => {
  const net = {
    kind: 'bridge',
    name: 'lagotest-going',
    uuid: 'd'.repeat(32),
    prefixDir: path.join(root, 'going'),
  } as const
  const answers = [[net], []]
  const going: Host = { ...host, nets: { ...host.nets, owned: async () => answers.shift() ?? [] } }
  expect(await findLeftovers(task, going)).toEqual([])
  expect(answers).toEqual([])
})

test('a bridge that another removes at the same time is as good as removed', async () => {
  const name = 'lagotest-race'
  await run('ip', ['link', 'add', 'name', name, 'type', 'bridge'])
  const bin = path.join(root, 'bin')
  await mkdir(bin)
  await writeFile(path.join(bin, 'ip'), '#!/bin/sh\nPATH=${PATH#*:}\nip "$@" && exec ip "$@"\n', { mode: 0o755 })
  const searched = process.env['PATH']
  process.env['PATH'] = `${bin}:${searched}`
  try {
    await removeBridge(task, name)
  } finally {
    process.env['PATH'] = searched
  }
  expect(existsSync(`/sys/class/net/${name}`)).toBe(false)
  await removeBridge(task, name)
})

test('what a killed init has left is told, and removed when nobody works on it', async () => {
  const dir = path.join(root, 'half')
  const uuid = 'e'.repeat(32)
  await mkdir(path.join(dir, 'virt'), { recursive: true })
  await writeFile(path.join(dir, 'uuid'), uuid)
  await host.register.note({ uuid, dir })
  expect(await listEnvironments(task, host)).toMatchObject([{ dir, state: 'unfinished' }])
  const found = await findLeftovers(task, host)
  expect(kinds(found)).toEqual(['prefix half'])
  await removeLeftovers(task, host, found)
  expect(existsSync(dir)).toBe(false)
  expect(await host.register.list()).toEqual([])
})

test('a copy by hand has the machines of its original: it may start and stop nothing, and its end is that of its files', async () => {
  const original = await environment('a', '10.81.0.0/24')
  await startPrefix(task, host, original, [])
  const copy = path.join(root, 'copy')
  await cp(original.dir, copy, { recursive: true })
  const how = { host: async () => host, undertaking: { verb: 'stop' } } as const
  await expect(
    changePrefix(task, copy, how, async (prefix) => stopPrefix(task, host, prefix, [])),
  ).rejects.toMatchObject({
    code: 'LAGO_PREFIX_COPY',
    message: expect.stringContaining(`is a copy of ${original.dir}`),
  })
  await destroyPrefix(task, host, copy)
  expect(existsSync(copy)).toBe(false)
  expect(await listEnvironments(task, host)).toMatchObject([{ dir: original.dir, state: 'running', runningCount: 2 }])
})

test('a bridge of ours goes with its environment, also when libvirt has no network on it any more', async () => {
  const prefix = await environment('a', '10.81.0.0/24')
  await startPrefix(task, host, prefix, [])
  const { libvirtName = '', bridgeName = '' } = prefix.plan.nets.get('br') ?? {}
  await stopPrefix(task, host, prefix, ['vm0'])
  await startPrefix(task, host, prefix, ['vm0'])
  await libvirt.destroyNetwork(task, libvirtName)
  expect(await bridges()).toContain(bridgeName)
  await stopPrefix(task, host, prefix, [])
  expect(await bridges()).not.toContain(bridgeName)
})

test('machines of an environment that another one has taken the place of are removed', async () => {
  const gone = await environment('a', '10.81.0.0/24')
  await startPrefix(task, host, gone, [])
  await rm(gone.dir, { recursive: true })
  const { dir } = await environment('a', '10.81.1.0/24')
  await removeLeftovers(task, host, await findLeftovers(task, host))
  expect(await findLeftovers(task, host)).toEqual([])
  expect((await objects())['domains']).toEqual(before['domains'])
  expect(await listEnvironments(task, host)).toMatchObject([{ dir, state: 'down' }])
})

test('what comes back between the look and the removal stays', async () => {
  const prefix = await environment('a', '10.81.0.0/24')
  await startPrefix(task, host, prefix, [])
  const away = path.join(root, 'away')
  await rename(prefix.dir, away)
  const found = await findLeftovers(task, host)
  await rename(away, prefix.dir)
  await removeLeftovers(task, host, found)
  expect(await listEnvironments(task, host)).toMatchObject([{ dir: prefix.dir, state: 'running' }])
})
