/** A hundred VMs in one init file, on libvirt's own test driver: what grows must not grow with their square. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import path from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.js'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { destroyPrefix } from '../../src/prefix/destroy.js'
import { openHost, type Host } from '../../src/prefix/host.js'
import { initPrefix } from '../../src/prefix/init.js'
import { openPrefix } from '../../src/prefix/prefix.js'
import { startPrefix } from '../../src/prefix/start.js'
import { prefixStatus } from '../../src/prefix/status.js'
import { parseInitFile } from '../../src/spec/load.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'
import { TEST_URI } from './test-driver.js'

const makeTempDir = useTempDirs()
const hosts: Host[] = []
afterEach(async () => {
  for (const host of hosts.splice(0)) await host[Symbol.asyncDispose]()
})

const disk = '{name: root, type: empty, dev: vda, format: raw, size: 1M}'
const names = Array.from({ length: 100 }, (_, index) => `vm${index}`)
const INIT_FILE = `
domains: {${names.map((name) => `${name}: {memory: 64, vcpu: 1, nics: [{net: lago}], disks: [${disk}]}`).join(', ')}}
nets: {lago: {management: true, subnet: 10.83.0.0/22, dhcp: {start: 600, end: 700}}}
`

test('a hundred machines start, are told of and go, and nobody holds the event loop', async () => {
  const { task } = recordedTask()
  const dir = await makeTempDir()
  const env = { LAGO_LIBVIRT_URL: TEST_URI, LAGO_LEASE_DIR: path.join(dir, 'subnets') }
  const { config } = loadConfig({ env, homeDir: dir, cwd: dir, etcDir: dir, flags: new Map() })
  const host = openHost(config, { cacheDir: path.join(dir, 'cache') })
  hosts.push(host)
  const { spec } = await parseInitFile(INIT_FILE, path.join(dir, 'LagoInitFile'))
  const prefixDir = path.join(dir, 'prefix')
  await initPrefix(task, host, { prefixDir, spec, vars: {}, cwd: dir, bootstrap: true, build: true })
  const prefix = await openPrefix(prefixDir)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await startPrefix(task, host, prefix, [])
  const { Prefix: status } = (await prefixStatus(task, host, prefix)) as {
    Prefix: { VMs: Record<string, { status: string; NICs: Record<string, { ip: string }> }> }
  } // the structure of spec 2.5
  delay.disable()
  expect(Object.keys(status.VMs)).toEqual(names)
  expect(new Set(Object.values(status.VMs).map(({ status }) => status))).toEqual(new Set(['running']))
  expect(new Set(Object.values(status.VMs).map(({ NICs }) => NICs['eth0']?.ip)).size).toBe(100)
  // no measure of speed: while threads work for this one, its timers go on
  expect(delay.count).toBeGreaterThan(10)

  const libvirt = openLibvirt({ uri: TEST_URI })
  const ours = [...(await libvirt.allDomains(task)).keys()].filter((name) =>
    name.startsWith(prefix.plan.uuid.slice(0, 8)),
  )
  expect(ours).toHaveLength(100)
  await destroyPrefix(task, host, prefixDir)
  expect([...(await libvirt.allDomains(task)).keys()].filter((name) => ours.includes(name))).toEqual([])
  await libvirt.close()
})
