/** What kinds of VMs add to the engine's verbs, on libvirt's test driver, whose guests never answer. */
import path from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { LagoError } from '../../src/base/errors.js'
import { loadConfig } from '../../src/config/load.js'
import type { VmPlan } from '../../src/plan/types.js'
import { openHost, type Host } from '../../src/prefix/host.js'
import { initPrefix } from '../../src/prefix/init.js'
import { NO_ADDED_KINDS, OWN_KINDS } from '../../src/prefix/kinds.js'
import { openPrefix, statesOf, type Prefix } from '../../src/prefix/prefix.js'
import { startPrefix } from '../../src/prefix/start.js'
import { destroyNets, destroyVms, stopPrefix } from '../../src/prefix/stop.js'
import { artifactsOf, beforeStop, typeProbeOf, type TypeProbe } from '../../src/prefix/vm-types.js'
import { parseInitFile } from '../../src/spec/load.js'
import type { VmType } from '../../src/vm/types.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { scriptedGuest } from '../helpers/scripted-guest.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const made: { host: Host; prefix: Prefix }[] = []
afterEach(async () => {
  for (const { host, prefix } of made.splice(0)) {
    // the driver is that of all tests of the process; a type that never answers is not asked
    await destroyVms(recordedTask().task, host, vmsOf(prefix))
    await destroyNets(recordedTask().task, host, [...prefix.plan.nets.values()])
    await host[Symbol.asyncDispose]()
  }
})

const INIT_FILE = `
domains:
  vm0: {vm-type: web, memory: 64, nics: [{net: lago}], artifacts: [/etc/hosts, /var/log]}
  vm1: {memory: 64, nics: [{net: lago}], artifacts: [/etc/hosts]}
nets: {lago: {management: true}}
`

/** An environment whose vm0 is of type `web`. */
async function environment(vmTypes: Readonly<Record<string, VmType>>): Promise<{ host: Host; prefix: Prefix }> {
  const { task } = recordedTask()
  const dir = await makeTempDir()
  const env = { LAGO_LIBVIRT_URL: 'test:///default', LAGO_LEASE_DIR: path.join(dir, 'subnets') }
  const { config } = loadConfig({ env, homeDir: dir, cwd: dir, etcDir: dir, flags: new Map() })
  const kinds = { ...NO_ADDED_KINDS, vmTypes: new Map(Object.entries(vmTypes)) }
  const host = openHost(config, { cacheDir: path.join(dir, 'cache'), kinds })
  const { spec } = await parseInitFile(INIT_FILE, path.join(dir, 'LagoInitFile'))
  const prefixDir = path.join(dir, 'prefix')
  await initPrefix(task, host, { prefixDir, spec, vars: {}, cwd: dir, bootstrap: true, build: true })
  const environment = { host, prefix: await openPrefix(prefixDir) }
  made.push(environment)
  return environment
}

function vmsOf({ plan }: Prefix): VmPlan[] {
  return [...plan.vms.values()]
}

test('a host has the kinds that plugins may not take, and theirs', async () => {
  const { host } = await environment({ web: {} })
  expect(host.vmTypes.names()).toEqual([...OWN_KINDS.vmTypes, 'web'])
  expect(host.providers.names()).toEqual(OWN_KINDS.providers)
  expect(host.services.names()).toEqual(OWN_KINDS.services)
})

test('the artifacts of a type come behind those of the init file, each once', async () => {
  const { host, prefix } = await environment({
    web: { artifacts: ({ name }, era) => ['/var/log', `/srv/${name}/${era}`] },
  })
  for (const era of ['0.x', '1.x'] as const) {
    const artifacts = vmsOf(prefix).map((vm) => artifactsOf(host, vm, era))
    expect(artifacts).toEqual([['/etc/hosts', '/var/log', `/srv/vm0/${era}`], ['/etc/hosts']])
  }
})

test('a type that is not there is said with those that are', async () => {
  const { host, prefix } = await environment({ ovirt: {} })
  expect(() => vmsOf(prefix).map((vm) => artifactsOf(host, vm, '1.x'))).toThrow(
    expect.objectContaining({
      code: 'LAGO_UNKNOWN_KIND',
      message: expect.stringMatching(/^unknown VM type "web"; known: default, .*, ovirt$/),
    }),
  )
})

describe('readiness', () => {
  const unreachable = new LagoError('LAGO_GUEST_UNREACHABLE', 'it reboots')

  async function probed(web: VmType): Promise<TypeProbe | undefined> {
    const { host, prefix } = await environment({ web })
    const [vm0] = vmsOf(prefix)
    return vm0 === undefined ? undefined : typeProbeOf(host, vm0)
  }

  test('is not asked of a type that does not say', async () => {
    expect(await probed({})).toBeUndefined()
  })

  test('is what the type finds in the guest', async () => {
    const guest = scriptedGuest({})
    const type = await probed({ ready: async (task, guest) => void (await guest.run(task, 'curl localhost')) })
    expect(type?.type).toBe('web')
    expect(await type?.probe(recordedTask().task, guest)).toEqual({ value: true })
    expect(guest.commands).toEqual(['curl localhost'])
  })

  test('that fails is told with its type, and a guest that is gone may come back', async () => {
    const failing = await probed({ ready: async () => Promise.reject(new Error('no pages')) })
    expect(await failing?.probe(recordedTask().task, scriptedGuest({}))).toEqual({
      never: 'no pages',
      hint: 'it is its VM type that says so: web',
    })
    const rebooting = await probed({ ready: async () => Promise.reject(unreachable) })
    await expect(rebooting?.probe(recordedTask().task, scriptedGuest({}))).rejects.toBe(unreachable)
  })

  test('ends with the task, whether the type looks at it or not', async () => {
    const { task, abort } = recordedTask()
    const endless = await probed({ ready: async () => new Promise(() => undefined) })
    const asking = endless?.probe(task, scriptedGuest({}))
    abort(new Error('enough'))
    await expect(asking).rejects.toThrow('enough')
  })
})

describe('before a stop', () => {
  test.each<[string, Record<string, VmType>, RegExp]>([
    [
      'a guest that cannot be reached in time is a warning',
      { web: { beforeStop: async () => undefined } },
      /^vm0 is stopped without preparation: preparing vm0 for its stop did not end within 0\.05 s$/,
    ],
    [
      'a type whose plugin is gone is a warning',
      {},
      /^vm0 is stopped without preparation: unknown VM type "web"; known: default, .*; is its plugin missing\?$/,
    ],
  ])('%s', async (_, vmTypes, warning) => {
    const { task, messages } = recordedTask()
    const { host, prefix } = await environment(vmTypes)
    await startPrefix(task, host, prefix, [])
    await beforeStop(task, host, prefix, vmsOf(prefix), 50)
    expect(messages()).toContainEqual(expect.stringMatching(warning))
    expect(messages().filter((text) => text.startsWith('vm1'))).toEqual([])
    await stopPrefix(task, host, prefix, ['vm1'])
  })

  test('Ctrl-C is no warning', async () => {
    const { task, abort } = recordedTask()
    const { host, prefix } = await environment({ web: { beforeStop: async () => undefined } })
    await startPrefix(recordedTask().task, host, prefix, [])
    abort(new Error('Ctrl-C'))
    await expect(beforeStop(task, host, prefix, vmsOf(prefix))).rejects.toThrow('Ctrl-C')
  })

  test('a stop goes through although the type is not known', async () => {
    const { task } = recordedTask()
    const { host, prefix } = await environment({})
    await startPrefix(task, host, prefix, [])
    await stopPrefix(task, host, prefix, [])
    expect([...(await statesOf(task, host, vmsOf(prefix))).values()]).toEqual(['down', 'down'])
  })
})
