import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { connectEngine } from '../../../../src/engine/client.js'
import type { EngineOptions } from '../../../../src/engine/types.js'
import {
  startAllVms,
  startEngine,
  stopEngine,
  type StartEngineOptions,
} from '../../../../src/plugins/ovirt/start-engine.js'
import { fakeEnv } from '../../../helpers/engine/fake-env.js'
import type { EngineData } from '../../../helpers/engine/model.js'
import type { StandInEngine } from '../../../helpers/engine/server.js'
import { useEngines } from '../../../helpers/engine/use-engine.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const engines = useEngines()
const tempDir = useTempDirs()
const PLAIN: StartEngineOptions = { withVms: false, vmsTimeoutMs: 20_000, surroundings: { cwd: '/', env: {} } }

function accessTo({ url }: StandInEngine): EngineOptions {
  return { url, user: 'admin@internal', password: '123', trust: { kind: 'insecure' }, everyMs: 1 }
}

function statesOf({ data }: StandInEngine): Record<string, string> {
  const all = [...data.hosts, ...data.storageDomains, ...data.vms]
  return Object.fromEntries(all.map(({ name, status }) => [name, status]))
}

/** As `stop` leaves it. */
const STOPPED: Partial<EngineData> = {
  hosts: ['host0', 'host1'].map((name) => ({ id: name, name, cluster: 'cl-1', status: 'maintenance' })),
  vms: [
    { id: 'vm-0', name: 'vm0', status: 'down' },
    { id: 'vm-1', name: 'vm1', status: 'down' },
  ],
}

async function oldPrefix(): Promise<string> {
  const dir = await tempDir()
  await writeFile(path.join(dir, '.lago'), '')
  return dir
}

describe('in era 1.x', () => {
  test('start activates hosts; VMs stay down', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start(STOPPED)
    const { env, calls } = fakeEnv(standIn)
    await startEngine(task, env, accessTo(standIn), PLAIN)
    expect(calls).toEqual(['start'])
    expect(statesOf(standIn)).toMatchObject({ host0: 'up', host1: 'up', vm0: 'down', vm1: 'down' })
  })

  test('start brings back what a killed snapshot has left at rest', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start(STOPPED)
    for (const domain of standIn.data.storageDomains) domain.status = 'maintenance'
    const { env, services } = fakeEnv(standIn)
    await env.vm('engine').service('ovirt-engine').stop()
    services.set('host0 vdsmd', 'inactive')
    await startEngine(task, env, accessTo(standIn), PLAIN)
    expect([...services.values()]).toEqual([...services.values()].map(() => 'active'))
    expect(statesOf(standIn)).toMatchObject({ host0: 'up', host1: 'up', nfs: 'active', iscsi: 'active', iso: 'active' })
  })

  test('start brings VMs up with the storage, when it is to', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start(STOPPED)
    for (const domain of standIn.data.storageDomains) domain.status = 'unknown'
    const { env } = fakeEnv(standIn)
    await startEngine(task, env, accessTo(standIn), { ...PLAIN, withVms: true })
    expect(statesOf(standIn)).toEqual({
      ...{ host0: 'up', host1: 'up', nfs: 'active', iscsi: 'active', iso: 'active' },
      ...{ vm0: 'up', vm1: 'up' },
    })
  })

  test('stop ends VMs and hosts, and shuts down; the engine keeps its own VM', async () => {
    const { task } = recordedTask()
    const vms = [
      { id: 'vm-0', name: 'vm0', status: 'up' },
      { id: 'vm-1', name: 'vm1', status: 'down' },
    ]
    const standIn = await engines.start({ vms })
    const { env, calls } = fakeEnv(standIn)
    await stopEngine(task, env, accessTo(standIn))
    expect(calls).toEqual(['shutdown'])
    expect(statesOf(standIn)).toMatchObject({ host0: 'maintenance', host1: 'maintenance', vm0: 'down', vm1: 'down' })
  })

  test('stop leaves the machines up when a host does not let go', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({
      hosts: [{ id: 'ho-0', name: 'host0', cluster: 'cl-1', status: 'install_failed' }],
    })
    const { env, calls } = fakeEnv(standIn)
    await expect(stopEngine(task, env, accessTo(standIn))).rejects.toMatchObject({
      code: 'LAGO_ENGINE_STATE',
      message: 'host host0 maintenance will not come: its state is install_failed',
    })
    expect(calls).toEqual([])
  })

  test('stop goes on without an engine that does not run', async () => {
    const { task, messages } = recordedTask()
    const standIn = await engines.start()
    const { env, calls } = fakeEnv(standIn, { engineState: 'down' })
    await stopEngine(task, env, accessTo(standIn))
    expect(calls).toEqual(['shutdown'])
    expect(standIn.requests).toEqual([])
    expect(messages('warning')).toEqual(['engine does not run, so that oVirt is not taken out of service first'])
  })

  test('start tells at once that a host has no vdsm', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start()
    const { env } = fakeEnv(standIn, { vdsm: false })
    await expect(startEngine(task, env, accessTo(standIn), PLAIN)).rejects.toMatchObject({
      code: 'LAGO_PARTIAL',
      message: '2 failures: Service vdsmd not present in host0; Service vdsmd not present in host1',
    })
  })
})

describe('in era 0.x', () => {
  test('start waits for ssh and activates hosts and storage, and stop takes all of it back', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start()
    const { env, calls } = fakeEnv(standIn, { prefixDir: await oldPrefix() })
    await stopEngine(task, env, accessTo(standIn))
    expect(calls.splice(0)).toEqual(['stop'])
    const stopped = statesOf(standIn)
    expect(stopped).toMatchObject({
      host0: 'maintenance',
      nfs: 'maintenance',
      iscsi: 'maintenance',
      iso: 'maintenance',
    })
    await startEngine(task, env, accessTo(standIn), { ...PLAIN, withVms: true })
    expect(calls).toEqual(['start', 'wait ssh engine host0 host1 storage'])
    const all = { host0: 'up', host1: 'up', nfs: 'active', iscsi: 'active', iso: 'active', vm0: 'up' }
    expect(statesOf(standIn)).toEqual(all)
  })
})

test('storage that no host serves is left alone', async () => {
  const { task } = recordedTask()
  const standIn = await engines.start(STOPPED)
  for (const domain of standIn.data.storageDomains) domain.status = 'unknown'
  const { env, calls } = fakeEnv(standIn, { prefixDir: await oldPrefix() })
  await stopEngine(task, env, accessTo(standIn))
  expect(calls).toEqual(['stop'])
  expect(statesOf(standIn)).toMatchObject({ nfs: 'unknown' })
})

describe('VMs of the engine', () => {
  const startOn = async (standIn: StandInEngine): Promise<readonly string[]> => {
    const { task, messages } = recordedTask()
    await using engine = await connectEngine(task, accessTo(standIn), 20_000)
    await startAllVms(task, engine, 20_000)
    return messages('warning')
  }

  test('do not wait for storage that cannot come: no host serves it', async () => {
    const standIn = await engines.start(STOPPED)
    for (const domain of standIn.data.storageDomains) domain.status = 'unknown'
    await expect(startOn(standIn)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_STATE',
      message: 'storage domain nfs, iscsi, iso will not come: all hosts are in maintenance',
      hint: 'lago ovirt start-hosts',
    })
    expect(statesOf(standIn)).toMatchObject({ vm0: 'down' })
  })

  test('do not wait for a master that is in maintenance', async () => {
    const standIn = await engines.start()
    for (const domain of standIn.data.storageDomains) if (domain.master) domain.status = 'maintenance'
    await expect(startOn(standIn)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_STATE',
      message: 'storage domain nfs will not come: it is in maintenance',
    })
  })

  test('start without other storage that is in maintenance, which is told', async () => {
    const standIn = await engines.start()
    for (const domain of standIn.data.storageDomains) if (domain.name === 'iso') domain.status = 'maintenance'
    expect(await startOn(standIn)).toEqual([
      expect.stringContaining('certificate'),
      'storage domain iso stays in maintenance',
    ])
    expect(statesOf(standIn)).toMatchObject({ vm0: 'up', iso: 'maintenance' })
  })
})

describe('clusters', () => {
  test.each([
    ['of a known CPU', { model: 'Haswell-noTSX', vendor: 'Intel' }, 'Intel Haswell-noTSX Family'],
    ['of another vendor', { model: 'EPYC', vendor: 'AMD' }, 'AMD EPYC'],
    ['of an unknown model', { model: 'Haswell-fast', vendor: 'Intel' }, 'Intel Nehalem Family'],
    ['of an unknown vendor', { model: 'constructor', vendor: '__proto__' }, 'Intel Nehalem Family'],
    ['of no known CPU', undefined, 'Intel Nehalem Family'],
  ])('get a type that fits a host %s', async (_, cpu, expected) => {
    const { task } = recordedTask()
    const standIn = await engines.start(STOPPED)
    const { env } = fakeEnv(standIn, cpu === undefined ? {} : { cpu })
    await startEngine(task, env, accessTo(standIn), PLAIN)
    expect(standIn.data.clusters).toMatchObject([{ cpuType: expected }])
  })

  test('get what a file of the host says', async () => {
    const { task } = recordedTask()
    const cwd = await tempDir()
    await writeFile(path.join(cwd, 'map.yaml'), 'Intel:\n  Haswell: Intel Westmere Family\n')
    const standIn = await engines.start(STOPPED)
    const hostMetadata = { 'ovirt-cpu-map': '$WHERE/map.yaml' }
    const { env } = fakeEnv(standIn, { cpu: { model: 'Haswell', vendor: 'Intel' }, hostMetadata })
    const surroundings = { cwd: '/', env: { WHERE: cwd } }
    await startEngine(task, env, accessTo(standIn), { ...PLAIN, surroundings })
    expect(standIn.data.clusters).toMatchObject([{ cpuType: 'Intel Westmere Family' }])
  })

  test.each([
    ['is not there', undefined, /ENOENT/],
    ['is not YAML', 'a: [', /not YAML: /],
    ['is something else', 'Intel: Haswell', /it is not a map of vendors to maps of models to types$/],
  ])('get nothing from a file that %s', async (_, content, message) => {
    const { task } = recordedTask()
    const cwd = await tempDir()
    if (content !== undefined) await writeFile(path.join(cwd, 'map.yaml'), content)
    const standIn = await engines.start(STOPPED)
    const hostMetadata = { 'ovirt-cpu-map': 'map.yaml' }
    const { env } = fakeEnv(standIn, { cpu: { model: 'Haswell', vendor: 'Intel' }, hostMetadata })
    const starting = startEngine(task, env, accessTo(standIn), { ...PLAIN, surroundings: { cwd, env: {} } })
    await expect(starting).rejects.toMatchObject({
      code: 'LAGO_ENGINE_CPU_MAP',
      message: expect.stringMatching(message),
    })
  })
})
