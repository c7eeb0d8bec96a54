/** How the VMs of a new environment are told which machine they are: real images, and libvirt's own test driver. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.js'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { openHost, type Host } from '../../src/prefix/host.js'
import { initPrefix } from '../../src/prefix/init.js'
import { openPrefix, type Prefix } from '../../src/prefix/prefix.js'
import { startPrefix } from '../../src/prefix/start.js'
import { stopPrefix } from '../../src/prefix/stop.js'
import { parseInitFile } from '../../src/spec/load.js'
import { debugfs } from '../helpers/ext4-image.js'
import { installGuestfsTools } from '../helpers/guestfs-tool.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { DEBIAN, systemImage, type Tree } from '../helpers/system-image.js'
import { useTempDirs } from '../helpers/temp-dir.js'
import type { ImageRef } from '../helpers/written-image.js'

const makeTempDir = useTempDirs()
const run = promisify(execFile)
const hosts: Host[] = []
const hostPath = process.env['PATH'] ?? ''
let dir: string

beforeEach(async () => {
  dir = await makeTempDir()
})
afterEach(async () => {
  process.env['PATH'] = hostPath
  for (const host of hosts.splice(0)) await host[Symbol.asyncDispose]()
})

const CLOUD: Tree = {
  ...DEBIAN,
  '/usr/bin/cloud-init': 'program',
  '/etc/systemd/system/cloud-init.target.wants/cloud-init.service': { to: '/lib/systemd/system/cloud-init.service' },
}

interface Env {
  readonly host: Host
  readonly prefix: Prefix
  readonly warnings: readonly string[]
}

interface Wish {
  /** Of vm0; default: none. */
  readonly domain?: object
  /** Of its disk; default: `make_a_copy`. */
  readonly disk?: object
  readonly skip?: boolean
}

/** Of one VM with the image for its disk. */
async function environment(
  image: ImageRef,
  { domain = {}, disk = { make_a_copy: true }, skip }: Wish = {},
): Promise<Env> {
  const { task, messages } = recordedTask()
  const env = { LAGO_LIBVIRT_URL: 'test:///default', LAGO_LEASE_DIR: path.join(dir, 'subnets') }
  const { config } = loadConfig({ env, homeDir: dir, cwd: dir, etcDir: dir, flags: new Map() })
  const host = openHost(config, { cacheDir: path.join(dir, 'cache') })
  hosts.push(host)
  const root = { name: 'root', type: 'file', path: image.path, dev: 'vda', format: image.format, ...disk }
  const vm0 = { memory: 64, vcpu: 1, nics: [{ net: 'lago' }], disks: [root], ...domain }
  const initFile = { domains: { vm0 }, nets: { lago: { management: true, dns_domain_name: 'lago.local' } } }
  const { spec } = await parseInitFile(JSON.stringify(initFile), path.join(dir, 'LagoInitFile'))
  const prefixDir = path.join(dir, 'prefix')
  await initPrefix(task, host, { prefixDir, spec, vars: {}, cwd: dir, bootstrap: skip !== true, build: skip !== true })
  return { host, prefix: await openPrefix(prefixDir), warnings: messages('warning') }
}

function bootstrapOf({ prefix }: Env): object | undefined {
  return prefix.plan.vms.get('vm0')?.bootstrap
}

async function knownHosts({ prefix }: Env): Promise<string> {
  return readFile(prefix.layout.knownHosts('vm0'), 'utf8').catch(() => 'no file')
}

/** Of a file in the VM's root file system. */
async function inDisk({ prefix }: Env, file: string): Promise<string> {
  const [disk] = prefix.plan.vms.get('vm0')?.disks ?? []
  const raw = path.join(dir, 'as-raw')
  await run('qemu-img', ['convert', '-O', 'raw', disk?.path ?? '', raw])
  return debugfs(raw, [`cat ${file}`])
}

async function domainXml({ host, prefix }: Env): Promise<string> {
  const { task } = recordedTask()
  await startPrefix(task, host, prefix, [])
  const libvirt = openLibvirt({ uri: 'test:///default' })
  const xml = await libvirt.domainXml(task, prefix.plan.vms.get('vm0')?.libvirtName ?? '')
  await libvirt.close()
  await stopPrefix(task, host, prefix, [])
  return xml
}

test('one without cloud-init has name, key and host key written into its disk, and they are known before it is met', async () => {
  const env = await environment(await systemImage(dir, DEBIAN))
  expect(bootstrapOf(env)).toEqual({ strategy: 'inject', seedPath: undefined, isDone: true })
  expect(await inDisk(env, '/etc/hostname')).toContain('vm0')
  const key = (await readFile(env.prefix.layout.sshPublicKey, 'utf8')).trim()
  expect(await inDisk(env, '/root/.ssh/authorized_keys')).toContain(key)
  const [hostKey] = /AAAA\S+/.exec(await inDisk(env, '/etc/ssh/ssh_host_ed25519_key.pub')) ?? []
  expect(await knownHosts(env)).toBe(`# not met yet\nvm0 ssh-ed25519 ${hostKey}\n`)
  expect(await domainXml(env)).not.toContain('cdrom')
})

test('one with cloud-init gets a seed that only its owner reads, on a CD', async () => {
  const env = await environment(await systemImage(dir, CLOUD), { domain: { 'user-data': { packages: ['hello'] } } })
  const seedPath = path.join(env.prefix.layout.images, 'vm0.seed.iso')
  expect(bootstrapOf(env)).toEqual({ strategy: 'cloud-init', seedPath, isDone: true })
  expect((await stat(seedPath)).mode & 0o777).toBe(0o600)
  const seed = await readFile(seedPath, 'latin1')
  expect(seed).toContain('hello')
  expect(seed).toContain('vm0.lago.local')
  expect(await knownHosts(env)).toMatch(/^# not met yet\nvm0 ssh-ed25519 AAAA/)
  expect(await domainXml(env)).toMatch(/<disk type='file' device='cdrom'>[^]*vm0\.seed\.iso/)
  expect(await inDisk(env, '/etc/hostname')).toContain('template')
})

test('an image that is used where it is stays as it is, unless the init file says how', async () => {
  const image = await systemImage(dir, DEBIAN)
  const before = await readFile(image.path)
  const env = await environment(image, { disk: {} })
  expect(bootstrapOf(env)).toEqual({ strategy: 'credentials', seedPath: undefined, isDone: true })
  expect((await readFile(image.path)).equals(before)).toBe(true)
})

test('an image that is used where it is, is changed when the init file says so', async () => {
  const env = await environment(await systemImage(dir, DEBIAN), { disk: {}, domain: { bootstrap: 'inject' } })
  expect(bootstrapOf(env)).toMatchObject({ strategy: 'inject' })
  expect(await inDisk(env, '/etc/hostname')).toContain('vm0')
})

test.each([
  ['bootstrap: false', { domain: { bootstrap: false } }],
  ['--skip-bootstrap', { skip: true }],
])('nothing is told with %s', async (_, wish) => {
  const env = await environment(await systemImage(dir, DEBIAN), wish)
  expect(await inDisk(env, '/etc/hostname')).toContain('template')
  expect(await knownHosts(env)).toBe('no file')
  expect(await domainXml(env)).not.toContain('cdrom')
})

test('a disk of which nothing is known is left alone', async () => {
  const image = path.join(dir, 'empty')
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', image, '1M'])
  const env = await environment({ path: image, format: 'qcow2' })
  expect(bootstrapOf(env)).toMatchObject({ strategy: 'credentials' })
  expect(env.warnings).toEqual([])
})

test.each([false, 'agent'])('user-data that the bootstrap %j has no use for is told', async (bootstrap) => {
  const domain = { bootstrap, 'user-data': { packages: ['vim'] } }
  const { warnings } = await environment(await systemImage(dir, DEBIAN), { domain })
  expect(warnings).toEqual([expect.stringMatching(/^user-data of vm0 is not used: it is for cloud-init, and .* is /)])
})

test('the agent is asked at the first start', async () => {
  const env = await environment(await systemImage(dir, DEBIAN), { domain: { bootstrap: 'agent' } })
  expect(bootstrapOf(env)).toEqual({ strategy: 'agent', seedPath: undefined, isDone: false })
})

test('what the way cannot do ends the init, which leaves nothing', async () => {
  const image = await systemImage(dir, DEBIAN)
  debugfs(path.join(dir, 'base'), ['ssv state 0'])
  const initializing = environment(image, { domain: { bootstrap: 'inject' } })
  await expect(initializing).rejects.toMatchObject({
    code: 'LAGO_DISK_UNWRITABLE',
    message: expect.stringMatching(/^VM vm0: .*not cleanly unmounted/),
  })
  await expect(stat(path.join(dir, 'prefix'))).rejects.toMatchObject({ code: 'ENOENT' })
})

describe('an image that cannot be looked at', () => {
  let image: ImageRef
  beforeEach(async () => {
    image = { path: path.join(dir, 'xfs'), format: 'raw' }
    await writeFile(image.path, 'XFSB')
    await truncate(image.path, 1024 ** 2)
  })

  test('is left to virt-sysprep, which is told name, key and the password that Lago tries', async () => {
    const tools = await installGuestfsTools(dir)
    process.env['PATH'] = `${tools.bin}:${hostPath}`
    const env = await environment(image, { domain: { 'ssh-password': 'secret-1' } })
    expect(bootstrapOf(env)).toMatchObject({ strategy: 'guestfs', isDone: true })
    const [sysprep] = await tools.runs()
    const key = (await readFile(env.prefix.layout.sshPublicKey, 'utf8')).trim()
    expect(sysprep).toMatchObject({ tool: 'virt-sysprep', disk: env.prefix.plan.vms.get('vm0')?.disks[0]?.path })
    const told = JSON.stringify(sysprep)
    for (const text of ['vm0', key, 'secret-1']) expect(told).toContain(text)
    expect(sysprep?.options.flat().join(' ')).not.toContain('secret-1')
  })

  test('gets a seed where there is no virt-sysprep, and the user is told', async () => {
    process.env['PATH'] = await binWith(['cp', 'qemu-img', 'qemu-storage-daemon', 'openssl', 'ssh-keygen'])
    const env = await environment(image)
    expect(bootstrapOf(env)).toMatchObject({ strategy: 'cloud-init' })
    expect(env.warnings).toEqual([
      expect.stringMatching(/^vm0 gets a seed for cloud-init.*but xfs\. Install guestfs-tools/),
    ])
    expect(await knownHosts(env)).toBe('no file')
  })
})

/** A directory for PATH with these programs of the host, and no others. */
async function binWith(programs: readonly string[]): Promise<string> {
  const bin = path.join(dir, 'only')
  await mkdir(bin)
  for (const program of programs) {
    const { stdout } = await run('sh', ['-c', 'command -v "$1"', 'sh', program])
    await symlink(stdout.trim(), path.join(bin, program))
  }
  return bin
}

test('steps of a disk are done by virt-customize, in their order', async () => {
  const tools = await installGuestfsTools(dir)
  process.env['PATH'] = `${tools.bin}:${hostPath}`
  const build = [{ 'virt-customize': { install: 'httpd' } }, { 'virt-customize': { touch: '/etc/it' } }]
  const env = await environment(await systemImage(dir, DEBIAN), { disk: { make_a_copy: true, build } })
  const steps = (await tools.runs()).map(({ tool, options }) => [tool, JSON.stringify(options)])
  expect(steps).toEqual([
    ['virt-customize', expect.stringContaining('httpd')],
    ['virt-customize', expect.stringContaining('/etc/it')],
  ])
  expect(await inDisk(env, '/etc/hostname')).toContain('vm0')
})
