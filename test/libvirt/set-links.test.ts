/**
 * `lago net set` on libvirt's own test driver, which limits rates and cannot change the state of a link: so what can be
 * done, and what has to be taken back, are both seen.
 */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, afterEach, expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.js'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { changePrefix } from '../../src/prefix/change.js'
import { openHost, type Host } from '../../src/prefix/host.js'
import { initPrefix } from '../../src/prefix/init.js'
import { openPrefix, type Prefix } from '../../src/prefix/prefix.js'
import { setLinks } from '../../src/prefix/set-links.js'
import { startPrefix } from '../../src/prefix/start.js'
import { prefixStatus } from '../../src/prefix/status.js'
import { stopPrefix } from '../../src/prefix/stop.js'
import { parseInitFile } from '../../src/spec/load.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const libvirt = openLibvirt({ uri: 'test:///default' })
afterAll(async () => libvirt.close())
const { task } = recordedTask()
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const disk = '[{name: root, type: empty, dev: vda, format: qcow2, size: 1M}]'
const INIT_FILE = `
domains:
  vm0: {memory: 64, vcpu: 1, nics: [{net: lago}, {net: a}], disks: ${disk}}
  vm1: {memory: 64, vcpu: 1, nics: [{net: lago}], disks: ${disk}}
  other: {vm-provider: ssh, nics: [{net: lago}]}
nets: {lago: {management: true, dhcp: {start: 100, end: 254}}, a: {}}
`

interface Env {
  readonly host: Host
  readonly prefix: Prefix
  /** The links that status tells of, by `VM:ethN`. */
  links(): Promise<Record<string, unknown>>
  /** In kB/s, in the order of the nics. */
  rates(vm: string): Promise<(string | undefined)[]>
  reopened(): Promise<Prefix>
}

async function environment(): Promise<Env> {
  const dir = await makeTempDir()
  const env = { LAGO_LIBVIRT_URL: 'test:///default', LAGO_LEASE_DIR: path.join(dir, 'subnets') }
  const { config } = loadConfig({ env, homeDir: dir, cwd: dir, etcDir: dir, flags: new Map() })
  const host = openHost(config, { cacheDir: path.join(dir, 'cache') })
  const { spec } = await parseInitFile(INIT_FILE, path.join(dir, 'LagoInitFile'))
  const prefixDir = path.join(dir, 'prefix')
  await initPrefix(task, host, { prefixDir, spec, vars: {}, cwd: dir, bootstrap: true, build: true })
  const prefix = await openPrefix(prefixDir)
  closing.push(async () => {
    await stopPrefix(task, host, prefix, [])
    await host[Symbol.asyncDispose]()
  })
  return {
    host,
    prefix,
    reopened: async () => openPrefix(prefixDir),
    async links() {
      const { Prefix: status } = (await prefixStatus(task, host, await openPrefix(prefixDir))) as {
        Prefix: { VMs: Record<string, { NICs: Record<string, { link?: unknown }> }> }
      } // the structure of spec 2.5
      const nics = Object.entries(status.VMs).flatMap(([vm, { NICs }]) =>
        Object.entries(NICs).map(([nic, { link }]) => [`${vm}:${nic}`, link] as const),
      )
      return Object.fromEntries(nics.filter(([, link]) => link !== undefined))
    },
    async rates(vm) {
      const xml = await libvirt.domainXml(task, prefix.plan.vms.get(vm)?.libvirtName ?? '')
      return (xml.match(/<interface [^]*?<\/interface>/g) ?? []).map(
        (nic) => /<inbound average='(\d+)'\/>\s*<outbound average='\1'\/>/.exec(nic)?.[1],
      )
    },
  }
}

test('a rate is set on what runs, written down for what does not, and kept over a restart', async () => {
  const { host, prefix, links, rates, reopened } = await environment()
  await startPrefix(task, host, prefix, ['vm0'])
  await setLinks(task, host, prefix, 'lago', { rate: '10mbit' })
  expect(await rates('vm0')).toEqual(['1250', undefined])
  expect(await links()).toEqual({ 'vm0:eth0': { rate: '10mbit' }, 'vm1:eth0': { rate: '10mbit' } })
  await setLinks(task, host, await reopened(), 'vm0:a', { rate: '8kbit' })
  expect(await rates('vm0')).toEqual(['1250', '1'])
  await stopPrefix(task, host, await reopened(), [])
  await startPrefix(task, host, await reopened(), [])
  expect([await rates('vm0'), await rates('vm1')]).toEqual([['1250', '1'], ['1250']])
  await setLinks(task, host, await reopened(), 'lago', { clear: true })
  expect([await rates('vm0'), await rates('vm1')]).toEqual([[undefined, '1'], [undefined]])
  expect(await links()).toEqual({ 'vm0:eth1': { rate: '8kbit' } })
})

test('what libvirt refuses is taken back: links and what is written down are as before', async () => {
  const { host, prefix, links, rates, reopened } = await environment()
  await startPrefix(task, host, prefix, ['vm0'])
  await setLinks(task, host, prefix, 'vm0:0', { rate: '10mbit' })
  const before = await readFile(prefix.layout.vm('vm0'), 'utf8')
  const refused = setLinks(task, host, await reopened(), 'vm0:0', { down: true, rate: '1mbit' })
  await expect(refused).rejects.toMatchObject({
    code: 'LAGO_LIBVIRT',
    message: expect.stringMatching(/^VM vm0: libvirt could not change a device .*virDomainUpdateDeviceFlags/),
  })
  expect(await readFile(prefix.layout.vm('vm0'), 'utf8')).toBe(before)
  expect(await rates('vm0')).toEqual(['1250', undefined])
  expect(await links()).toEqual({ 'vm0:eth0': { rate: '10mbit' } })
  await expect(readFile(prefix.layout.underWay)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a run that was killed after it had written is finished by the next verb, which tells so', async () => {
  const { host, prefix, rates } = await environment()
  await startPrefix(task, host, prefix, [])
  const file = prefix.layout.vm('vm1')
  const stored = JSON.parse(await readFile(file, 'utf8')) as { nics: Record<string, unknown>[] }
  Object.assign(stored.nics[0] ?? {}, { 'lago-link': { rate_bits_per_s: 8000 } })
  await writeFile(file, JSON.stringify(stored))
  await writeFile(prefix.layout.underWay, JSON.stringify({ verb: 'net set', name: 'vm1:0' }))
  const next = recordedTask()
  const starting = { host: async () => host, undertaking: { verb: 'start' } } as const
  await changePrefix(next.task, prefix.dir, starting, async (prefix) => startPrefix(next.task, host, prefix, []))
  expect(await rates('vm1')).toEqual(['1'])
  expect(next.messages('warning')).toContain(
    '"lago net set vm1:0" was interrupted: links are made as "lago status" has them',
  )
  const after = recordedTask()
  await changePrefix(after.task, prefix.dir, starting, async (prefix) => startPrefix(after.task, host, prefix, []))
  expect(after.messages('warning').join()).not.toContain('interrupted')
})

test('links that cannot be made so after a killed run are no reason to refuse that they are taken back', async () => {
  const { host, prefix, links } = await environment()
  await startPrefix(task, host, prefix, [])
  const file = prefix.layout.vm('vm1')
  const stored = JSON.parse(await readFile(file, 'utf8')) as { nics: Record<string, unknown>[] }
  Object.assign(stored.nics[0] ?? {}, { 'lago-link': { delay_us: 1 } })
  await writeFile(file, JSON.stringify(stored))
  await writeFile(prefix.layout.underWay, JSON.stringify({ verb: 'net set', name: 'vm1:0' }))
  const next = recordedTask()
  const setting = { host: async () => host, undertaking: { verb: 'net set', name: 'vm1:0' } } as const
  await changePrefix(next.task, prefix.dir, setting, async (prefix) =>
    setLinks(next.task, host, prefix, 'vm1:0', { clear: true }),
  )
  expect(next.messages('warning').join()).toContain('links are not as "lago status" has them')
  expect(await links()).toEqual({})
})

test('delay and loss need taps, which the test driver has none of: refused before anything is changed, also at start', async () => {
  const { host, prefix, links } = await environment()
  const refused = setLinks(task, host, prefix, 'vm1:0', { delay: '1ms', rate: '1mbit' })
  await expect(refused).rejects.toMatchObject({ code: 'LAGO_LINK_UNSUPPORTED' })
  expect(await links()).toEqual({})
  const vm = prefix.plan.vms.get('vm1')
  if (vm === undefined) throw new Error('no VM')
  const moved = { ...vm, nics: vm.nics.map((nic) => ({ ...nic, link: { delayUs: 1 } })) }
  const plan = { ...prefix.plan, vms: new Map([...prefix.plan.vms, ['vm1', moved]]) }
  const start = startPrefix(task, host, { ...prefix, plan }, ['vm1'])
  await expect(start).rejects.toMatchObject({
    code: 'LAGO_LINK_UNSUPPORTED',
    message: expect.stringMatching(/^VM vm1: /),
  })
})

test('a nic is mended also where what another one of the VM has cannot be had', async () => {
  const { host, prefix, links, reopened } = await environment()
  const file = prefix.layout.vm('vm0')
  const stored = JSON.parse(await readFile(file, 'utf8')) as { nics: Record<string, unknown>[] }
  for (const nic of stored.nics) Object.assign(nic, { 'lago-link': { delay_us: 1 } })
  await writeFile(file, JSON.stringify(stored))
  await setLinks(task, host, await reopened(), 'vm0:0', { clear: true })
  expect(await links()).toEqual({ 'vm0:eth1': { delay: '1us' } })
})

test('machines of others are passed over on a net, and refused by name', async () => {
  const { host, prefix, links } = await environment()
  const { task, messages } = recordedTask()
  await setLinks(task, host, prefix, 'lago', { down: true })
  expect(messages('warning')).toContain('other stays as it is: its provider cannot degrade its links')
  expect(await links()).toEqual({ 'vm0:eth0': { state: 'down' }, 'vm1:eth0': { state: 'down' } })
  await expect(setLinks(task, host, prefix, 'other:0', { down: true })).rejects.toMatchObject({
    code: 'LAGO_LINK_UNSUPPORTED',
    message: 'links of other cannot be degraded by their provider',
  })
})

test("another's domain of the same name is left alone", async () => {
  const { host, prefix, links } = await environment()
  const name = prefix.plan.vms.get('vm1')?.libvirtName ?? ''
  const mac = prefix.plan.vms.get('vm1')?.nics[0]?.mac ?? ''
  const nic = `<interface type='network'><mac address='${mac}'/><source network='default'/></interface>`
  await libvirt.createDomain(
    task,
    `<domain type='test'><name>${name}</name><memory>65536</memory><os><type>hvm</type></os><devices>${nic}</devices></domain>`,
  )
  const before = await libvirt.domainXml(task, name)
  await expect(setLinks(task, host, prefix, 'lago', { rate: '1mbit' })).rejects.toMatchObject({
    code: 'LAGO_LINK_FOREIGN',
    message: expect.stringContaining(`${name} in libvirt is not this environment's`),
  })
  expect(await libvirt.domainXml(task, name)).toBe(before)
  expect(await links()).toEqual({})
})
