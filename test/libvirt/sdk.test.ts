/** The SDK on libvirt's own test driver: everything but what needs a guest. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import type { Task } from '../../src/base/task.js'
import {
  init,
  isLagoError,
  loadEnv,
  loadTemplates,
  type Env,
  type InitFile,
  type LagoEvent,
  type NewEnvOptions,
} from '../../src/index.js'
import type { Host } from '../../src/prefix/host.js'
import { statesOf, type Prefix } from '../../src/prefix/prefix.js'
import { openForProgram } from '../../src/sdk/opened.js'
import { openSession } from '../../src/sdk/session.js'
import { TWO_EMPTY_VMS } from '../helpers/lago-project.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const disks = [{ name: 'root', type: 'empty', dev: 'vda', format: 'qcow2', size: '1M' }]
const AS_DATA: InitFile = {
  domains: { vm0: { memory: 64, vcpu: 1, nics: [{ net: 'lago' }], disks, groups: ['web'] } },
  nets: { lago: { type: 'nat', management: true, dhcp: { start: 100, end: 254 } } },
}

/** Options for an environment of its own in a new directory. */
async function place(): Promise<NewEnvOptions & { readonly cwd: string }> {
  const cwd = await makeTempDir()
  const settings = { libvirtUrl: 'test:///default', leaseDir: 'subnets' }
  return { cwd, workdir: 'env', env: { HOME: cwd }, settings }
}

const states = async ({ vms }: Env): Promise<string[]> => Promise.all([...vms.values()].map(async (vm) => vm.state()))

test.each([['init', init] as const, ['loadEnv', loadEnv] as const, ['loadTemplates', loadTemplates] as const])(
  '%s takes no path in the place of its options',
  async (name, call) => {
    await expect(call('/srv/env' as never)).rejects.toMatchObject({
      code: 'LAGO_USAGE',
      message: `${name} takes an object with options, not "/srv/env"`,
    })
  },
)

test('an environment lives from init to the end of the block that holds it', async () => {
  const options = await place()
  const events: LagoEvent[] = []
  let dir: string
  {
    await using env = await init({ ...options, spec: TWO_EMPTY_VMS, events: (event) => events.push(event) })
    dir = env.prefixDir
    expect(env.uuid).toBe(await readFile(path.join(dir, 'uuid'), 'utf8'))
    expect([...env.vms.keys()]).toEqual(['vm0', 'vm1'])
    expect(await states(env)).toEqual(['down', 'down'])
    await env.start()
    expect(await states(env)).toEqual(['running', 'running'])
    expect(await env.nets.get('lago')?.isUp()).toBe(true)
    await env.vm('vm1').stop()
    expect(await states(env)).toEqual(['running', 'down'])
    expect(await env.status()).toMatchObject({ Prefix: { UUID: env.uuid, VMs: { vm1: { status: 'down' } } } })
    expect(await env.metadata()).toHaveProperty('lago_version')
    expect(await readFile(path.join(dir, 'logs', 'lago.log'), 'utf8')).toContain('Start Prefix')
  }
  expect(await readdir(options.cwd)).toEqual(['subnets'])
  expect(await readdir(path.join(options.cwd, 'subnets'))).toEqual(['environments', 'subnet-lease.lock'])
  expect(events).toContainEqual(expect.objectContaining({ type: 'step.start', title: 'Start Prefix' }))
})

test('facts may be noted in the metadata, the version that made it may not', async () => {
  await using env = await init({ ...(await place()), spec: TWO_EMPTY_VMS })
  const { lago_version: version } = await env.metadata()
  await env.setMetadata({ 'vdsm-revision': 'abc', other: '1' })
  await env.setMetadata({ other: '2' })
  expect(await env.metadata()).toEqual({ lago_version: version, 'vdsm-revision': 'abc', other: '2' })
  await expect(env.setMetadata({ lago_version: '9' })).rejects.toMatchObject({ code: 'LAGO_USAGE' })
  expect(await env.metadata()).toHaveProperty('lago_version', version)
  await env.start() // nothing of it is in the way
  await rm(path.join(env.prefixDir, 'metadata')) // as of a prefix that an old version made
  await env.setMetadata({ other: '3' })
  expect(await env.metadata()).toEqual({ other: '3' })
})

test('an init file may be data, text or a path', async () => {
  const asData = await init({ ...(await place()), spec: AS_DATA })
  expect(asData.vm('vm0')).toMatchObject({
    name: 'vm0',
    groups: ['web'],
    ip: asData.nets.get('lago')?.mapping.get('vm0'),
  })
  const options = await place()
  await writeFile(path.join(options.cwd, 'LagoInitFile'), TWO_EMPTY_VMS)
  const byPath = await init({ ...options, prefixName: 'other' })
  expect(path.basename(byPath.prefixDir)).toBe('other')
  for (const env of [asData, byPath]) await env[Symbol.asyncDispose]()
})

test('an init file with mistakes makes nothing and tells all of them', async () => {
  const options = await place()
  const broken = init({ ...options, spec: { domains: { vm0: { memory: 'much', nics: [{ net: 'nowhere' }] } } } })
  await expect(broken).rejects.toMatchObject({ code: 'LAGO_SPEC_INVALID' })
  await expect(init({ ...options, initFile: 'missing' })).rejects.toMatchObject({ code: 'LAGO_SPEC_NO_FILE' })
  expect(await readdir(options.cwd)).toEqual([])
})

test('what was made is loaded by workdir, by its path, and from below; closing it stops nothing', async () => {
  const options = await place()
  const env = await init({ ...options, spec: AS_DATA })
  await env.start()
  for (const where of [
    { workdir: 'env' },
    { prefixPath: env.prefixDir },
    { cwd: path.join(env.prefixDir, 'images') },
  ]) {
    await using loaded = await loadEnv({ ...options, workdir: undefined, ...where })
    expect([loaded.uuid, await loaded.vm('vm0').state()]).toEqual([env.uuid, 'running'])
  }
  expect(await env.vm('vm0').state()).toBe('running')
  await env.destroy()
  await env.destroy()
  expect(existsSync(env.prefixDir)).toBe(false)
  await expect(loadEnv({ ...options, workdir: 'env' })).rejects.toMatchObject({ code: 'LAGO_NO_WORKDIR' })
  await env.close()
})

test('a prefix that was reached through a link loses the link', async () => {
  const options = await place()
  const env = await init({ ...options, spec: AS_DATA })
  await symlink(env.prefixDir, path.join(options.cwd, 'env', 'link'))
  const linked = await loadEnv({ ...options, prefixName: 'link' })
  await linked.destroy()
  await linked.close()
  expect(await readdir(path.join(options.cwd, 'env'))).toEqual(['current', 'default'])
  await env[Symbol.asyncDispose]()
})

test('names that are not there are told with those that are', async () => {
  await using env = await init({ ...(await place()), spec: TWO_EMPTY_VMS })
  expect(() => env.vm('vm9')).toThrow(
    expect.objectContaining({ code: 'LAGO_NO_SUCH_VM', hint: 'Available VMs: vm0, vm1' }),
  )
  await expect(env.start(['vm9'])).rejects.toMatchObject({ code: 'LAGO_NO_SUCH_VM' })
  await expect(env.revert('never')).rejects.toMatchObject({ code: 'LAGO_NO_SUCH_SNAPSHOT' })
  await expect(env.vm('vm0').exec('true')).rejects.toMatchObject({ code: 'LAGO_VM_NOT_RUNNING' })
})

test('verbs that are called together do their work one after the other', async () => {
  await using env = await init({ ...(await place()), spec: TWO_EMPTY_VMS })
  await Promise.all([env.start(['vm0']), env.start(['vm1']), env.start()])
  expect(await states(env)).toEqual(['running', 'running'])
  await Promise.all([env.stop(), env.stop(['vm0'])])
  expect(await states(env)).toEqual(['down', 'down'])
})

test('after an abort nothing more is done, and disposal still destroys', async () => {
  const options = await place()
  const abort = new AbortController()
  const env = await init({ ...options, spec: AS_DATA, signal: abort.signal })
  await env.start()
  abort.abort(new Error('enough'))
  await expect(env.stop()).rejects.toMatchObject({ code: 'LAGO_CANCELLED', message: 'cancelled: enough' })
  await env[Symbol.asyncDispose]()
  expect(await readdir(options.cwd)).toEqual(['subnets'])
})

test('a change that runs out of time ends nothing that is done meanwhile, or after it', async () => {
  const options = await place()
  await using env = await init({ ...options, spec: TWO_EMPTY_VMS })
  const opened = await openForProgram(openSession(options), env.prefixDir)
  const look = async (task: Task, host: Host, { plan }: Prefix): Promise<number> =>
    (await statesOf(task, host, [...plan.vms.values()])).size
  let goOn = (): void => undefined
  const gate = new Promise<void>((resolve) => (goOn = resolve))
  const looking = opened.read(async (task, host, prefix) => gate.then(async () => look(task, host, prefix)))
  const slow = opened.change({ verb: 'service' }, async (task, host, prefix) => {
    await look(task, host, prefix)
    return task.within(1, 'what is slow', async (task) =>
      once(task.signal, 'abort').then(() => task.signal.throwIfAborted()),
    )
  })
  const waiting = opened.change({ verb: 'service' }, look)
  await expect(slow).rejects.toMatchObject({ code: 'LAGO_TIMEOUT' })
  goOn()
  expect(await Promise.all([looking, waiting, opened.change({ verb: 'service' }, look)])).toEqual([2, 2, 2])
  await opened.close()
})

test('an environment that has been closed says so', async () => {
  const options = await place()
  const env = await init({ ...options, spec: AS_DATA })
  await env.close()
  await env.close()
  await expect(env.start()).rejects.toThrow(`the environment ${env.prefixDir} has been closed`)
  await env[Symbol.asyncDispose]()
  expect(existsSync(env.prefixDir)).toBe(true) // it was given out of hand
  await using loaded = await loadEnv({ ...options })
  await loaded.destroy()
})

test('machines are asked to go down, one or all', async () => {
  await using env = await init({ ...(await place()), spec: TWO_EMPTY_VMS })
  await env.start()
  await env.vm('vm1').shutdown()
  expect(await states(env)).toEqual(['running', 'down'])
  await env.shutdown({ force: true })
  expect(await states(env)).toEqual(['down', 'down'])
})

test('what is exported makes another environment', async () => {
  const options = await place()
  await using env = await init({ ...options, spec: TWO_EMPTY_VMS })
  const { vms, initFile } = await env.export({ vms: ['vm1'], dstDir: 'out', standalone: true })
  expect(Object.keys(vms)).toEqual(['vm1'])
  await env.destroy()
  await using again = await init({ ...options, initFile })
  expect([...again.vms.keys()]).toEqual(['vm1'])
})

test('kinds that plugins add can be used in init files', async () => {
  const options = await place()
  await writeFile(
    path.join(options.cwd, 'plugin.mjs'),
    "export default { name: 'special', api: 1, vmTypes: { special: {} } }",
  )
  const spec = { ...AS_DATA, domains: { vm0: { ...AS_DATA.domains['vm0'], 'vm-type': 'special' } } }
  await expect(init({ ...options, spec })).rejects.toMatchObject({ code: 'LAGO_SPEC_INVALID' })
  await using env = await init({ ...options, spec, env: { ...options.env, LAGO_PLUGINS: './plugin.mjs' } })
  expect(env.vm('vm0').spec).toMatchObject({ 'vm-type': 'special' })
})

test('the inventory names every machine, in both forms', async () => {
  await using env = await init({ ...(await place()), spec: TWO_EMPTY_VMS })
  expect(await env.ansibleInventory({ keys: ['vm-type'] })).toMatch(/^\[vm-type=default\]\nvm0 ansible_host=/)
  expect(JSON.parse(await env.ansibleInventory({ format: 'json' }))).toHaveProperty('all.hosts.vm1')
})

test('errors are told from others by their code', async () => {
  const error: unknown = await init({ ...(await place()), initFile: 'none' }).catch((thrown: unknown) => thrown)
  expect(isLagoError(error, 'LAGO_SPEC_NO_FILE')).toBe(true)
  expect(isLagoError(new Error('LAGO_SPEC_NO_FILE'))).toBe(false)
})
