/** The verbs of `lago ovirt` that speak with the engine, on a machine with a stand-in engine at its address. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { init } from '../../src/index.js'
import { makeCertificate } from '../helpers/engine/certificate.js'
import { ordinaryEngine } from '../helpers/engine/model.js'
import { startEngine } from '../helpers/engine/server.js'
import { makeProject, TWO_EMPTY_VMS } from '../helpers/lago-project.js'
import { startSshMachine } from '../helpers/ssh-machine.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const isRoot = process.getuid?.() === 0
const asRoot = (title: string, body: () => Promise<void>, timeoutMs?: number): void =>
  isRoot
    ? test(title, body, timeoutMs)
    : test.skip(`${title} (skipped: it puts an address on this host, as root)`, body)
const IP = '192.168.255.78'
const INIT_FILE = `
domains:
  engine:
    vm-type: ovirt-engine
    vm-provider: ssh
    nics: [{net: lago, ip: ${IP}}]
    metadata: {ovirt-engine-password: a secret of mine}
nets:
  lago: {type: nat, management: true, gw: 192.168.255.1}
`
const ENGINE_SETUP = '#!/bin/sh\necho "set up: $*"\nread answer\nexit "$answer"\n'

asRoot('an engine is asked, and told what to do', async () => {
  const project = await makeProject(await makeTempDir(), { LagoInitFile: INIT_FILE })
  expect(await project.lago(['init'])).toMatchObject({ exitCode: 0 })
  const binDir = path.join(await makeTempDir(), 'bin')
  await mkdir(binDir)
  await writeFile(path.join(binDir, 'engine-setup'), ENGINE_SETUP, { mode: 0o755 })
  const publicKey = await project.read('.lago/default/id_rsa.pub')
  await using _machine = await startSshMachine(await makeTempDir(), IP, publicKey, binDir)
  await using engine = await startEngine(ordinaryEngine({ password: 'a secret of mine' }), {
    certificate: await makeCertificate(),
    address: IP,
    port: 443,
    looksPerState: 1,
  })
  const ovirt = async (...words: string[]): ReturnType<typeof project.lago> => project.lago(['ovirt', ...words])
  const states = (): string[] => [...engine.data.hosts, ...engine.data.vms].map(({ status }) => status)

  const first = await project.lago(['--out-format', 'flat', 'ovirt', 'status'])
  expect(first.stdout.split('\n')).toEqual(
    expect.arrayContaining([
      'global/version: 4.3.10.4-1.el7',
      `global/web_ui/url: ${IP}`,
      'global/web_ui/username: admin@internal',
      'global/web_ui/password: a secret of mine',
      'items/hosts/active: 2',
    ]),
  )
  expect(first.stderr).toContain('for the first time')
  const again = await project.lago(['--out-format', 'json', 'ovirt', 'status'])
  expect(again.stderr).not.toContain('for the first time')
  expect(JSON.parse(again.stdout)).toMatchObject({ items: { storage_domains: { total: 3, active: 3 } } })

  expect(await ovirt('start-vms', '--vms-timeout', '60')).toMatchObject({ exitCode: 0 })
  expect(states()).toEqual(['up', 'up', 'up'])
  expect(await ovirt('stop-vms')).toMatchObject({ exitCode: 0 })
  expect(await ovirt('stop-hosts')).toMatchObject({ exitCode: 0 })
  expect(states()).toEqual(['maintenance', 'maintenance', 'down'])
  expect(await ovirt('start-hosts', '--insecure')).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('(--insecure)'),
  })
  expect(await ovirt('stop')).toMatchObject({ exitCode: 0 })
  expect(states()).toEqual(['maintenance', 'maintenance', 'down'])

  expect(await project.lago(['ovirt', 'engine-setup'], { input: '0\n' })).toMatchObject({
    exitCode: 0,
    stdout: 'set up: \n',
  })
  expect(await project.lago(['ovirt', 'engine-setup'], { input: '3\n' })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('Failed to setup the engine: exit code 3'),
  })
  expect(await ovirt('snapshot', 'clean')).toMatchObject({ exitCode: 1 }) // nobody can take one of such a machine
  expect(await ovirt('start-vms', '--vms-timeout', '0')).toMatchObject({ exitCode: 2 })
  expect(await ovirt('add-iso', 'none.iso')).toMatchObject({ exitCode: 1 })

  const log = await project.read('.lago/default/logs/lago.log')
  expect(log).toContain('/ovirt-engine/api/hosts')
  expect(log).not.toContain('a secret of mine')
  expect(engine.api.openSessions).toBe(0)
  expect(engine.api.violations).toEqual([])
  expect(await project.lago(['destroy', '--yes'])).toMatchObject({ exitCode: 0 })
})

asRoot('calls for clean-up go on after an abort, until their own limit', async () => {
  const cwd = await makeTempDir()
  const controller = new AbortController()
  const settings = { libvirtUrl: 'test:///default', leaseDir: 'subnets' }
  await using env = await init({
    cwd,
    workdir: 'env',
    env: { HOME: cwd },
    settings,
    spec: INIT_FILE,
    signal: controller.signal,
  })
  const publicKey = await readFile(path.join(env.prefixDir, 'id_rsa.pub'), 'utf8')
  await using _machine = await startSshMachine(await makeTempDir(), IP, publicKey)
  const vm = env.vm('engine')
  expect(await vm.succeed('echo hello')).toBe('hello\n')
  controller.abort(new Error('enough'))
  await expect(vm.succeed('echo hello')).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
  expect(await env.shielded(60_000, async (env) => env.vm('engine').succeed('echo still here'))).toBe('still here\n')
  await expect(env.shielded(100, async (env) => env.vm('engine').succeed('sleep 60'))).rejects.toMatchObject({
    code: 'LAGO_TIMEOUT',
  })
})

test('the CPU of a machine is that of its init file', async () => {
  const cwd = await makeTempDir()
  const settings = { libvirtUrl: 'test:///default', leaseDir: 'subnets' }
  const spec = TWO_EMPTY_VMS.replace('memory: 64', 'memory: 64\n    cpu_model: Haswell')
  await using env = await init({ cwd, workdir: 'env', env: { HOME: cwd }, settings, spec })
  expect(await env.vm('vm0').cpu()).toEqual({ model: 'Haswell', vendor: 'Intel' })
  expect(await env.vm('vm1').cpu()).toBeUndefined()
})
