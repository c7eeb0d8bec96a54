import { describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../../src/base/errors.js'
import type { EngineOptions } from '../../../../src/engine/types.js'
import { revertEngine, snapshotEngine } from '../../../../src/plugins/ovirt/snapshot-engine.js'
import { fakeEnv } from '../../../helpers/engine/fake-env.js'
import type { StandInEngine } from '../../../helpers/engine/server.js'
import { useEngines } from '../../../helpers/engine/use-engine.js'
import { recordedTask } from '../../../helpers/recorded-task.js'

const engines = useEngines()

function accessTo({ url }: StandInEngine): EngineOptions {
  return { url, user: 'admin@internal', password: '123', trust: { kind: 'insecure' }, everyMs: 1 }
}

function statesOf({ data }: StandInEngine): Record<string, string> {
  return Object.fromEntries([...data.hosts, ...data.storageDomains].map(({ name, status }) => [name, status]))
}

const IN_SERVICE = { host0: 'up', host1: 'up', nfs: 'active', iscsi: 'active', iso: 'active' }
const AT_REST = {
  host0: 'maintenance',
  host1: 'maintenance',
  nfs: 'maintenance',
  iscsi: 'maintenance',
  iso: 'maintenance',
}
const CLEAN = { name: 'clean', restore: true }

/** Every request is a connection with keys of its own, which takes its time on a busy machine. */
const QUICK = { looksPerState: 1 }

/** Those of the hosts in any order. */
function inOrder(calls: readonly string[]): string[] {
  return calls.map((call) => call.replace(/^host[01]/, 'host'))
}

describe('a snapshot', () => {
  test('is taken at rest, and everything comes back', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const { env, calls, services, on } = fakeEnv(standIn)
    on('snapshot clean', () => {
      expect(statesOf(standIn)).toEqual(AT_REST)
      expect(new Set(services.values())).toEqual(new Set(['inactive']))
    })
    await snapshotEngine(task, env, accessTo(standIn), CLEAN)
    expect(inOrder(calls)).toEqual([
      'engine stop ovirt-engine',
      ...['host stop vdsmd', 'host stop supervdsmd', 'host stop vdsmd', 'host stop supervdsmd'],
      'snapshot clean',
      ...['host start supervdsmd', 'host start supervdsmd', 'host start vdsmd', 'host start vdsmd'],
      'engine start ovirt-engine',
    ])
    expect(statesOf(standIn)).toEqual(IN_SERVICE)
    expect(new Set(services.values())).toEqual(new Set(['active']))
  })

  test('is not begun while VMs of the engine run: nothing is touched', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({ vms: [{ id: 'vm-0', name: 'vm0', status: 'up' }] }, QUICK)
    const { env, calls } = fakeEnv(standIn)
    await expect(snapshotEngine(task, env, accessTo(standIn), CLEAN)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_STATE',
      message: 'VMs of the engine run: vm0; their storage is in use',
      hint: 'lago ovirt stop-vms',
    })
    expect(calls).toEqual([])
    expect(statesOf(standIn)).toEqual(IN_SERVICE)
  })

  test('without restoring leaves all at rest, and a revert brings it into service', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const { env, calls, services } = fakeEnv(standIn)
    await snapshotEngine(task, env, accessTo(standIn), { name: 'clean', restore: false })
    expect(statesOf(standIn)).toEqual(AT_REST)
    expect(new Set(services.values())).toEqual(new Set(['inactive']))
    expect(calls.at(-1)).toBe('snapshot clean')

    await revertEngine(task, env, accessTo(standIn), 'clean')
    expect(statesOf(standIn)).toEqual(IN_SERVICE)
    expect(new Set(services.values())).toEqual(new Set(['active']))
    expect(calls).toContain('wait ssh engine host0 host1 storage')
  })

  test('leaves what was in maintenance before as it was', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const [host] = standIn.data.hosts
    const iso = standIn.data.storageDomains[2]
    if (host === undefined || iso === undefined) throw new Error('unreachable: the ordinary engine has them')
    host.status = iso.status = 'maintenance'
    const { env } = fakeEnv(standIn)
    await snapshotEngine(task, env, accessTo(standIn), CLEAN)
    expect(statesOf(standIn)).toEqual({ ...IN_SERVICE, host0: 'maintenance', iso: 'maintenance' })
  })

  test.each(['', '../clean', '-r', 'a b'])('cannot be called %j, and nothing is touched then', async (name) => {
    const { task, messages } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const { env, calls } = fakeEnv(standIn)
    await expect(snapshotEngine(task, env, accessTo(standIn), { ...CLEAN, name })).rejects.toMatchObject({
      code: 'LAGO_SNAPSHOT_NAME',
    })
    expect(calls).toEqual([])
    expect(standIn.requests).toEqual([])
    expect(messages('error')).toEqual([])
  })

  test('of a name that is taken is refused before anything is touched', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const { env, calls } = fakeEnv(standIn)
    await snapshotEngine(task, env, accessTo(standIn), CLEAN)
    const before = calls.length
    await expect(snapshotEngine(task, env, accessTo(standIn), CLEAN)).rejects.toMatchObject({
      code: 'LAGO_SNAPSHOT_EXISTS',
      message: 'the VM engine has a snapshot clean already',
    })
    expect(calls).toHaveLength(before)
  })
})

describe('what fails on the way is taken back', () => {
  test('the snapshot itself', async () => {
    const { task, messages } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const { env, services, on } = fakeEnv(standIn)
    on('snapshot clean', () => {
      throw new LagoError('LAGO_NO_SPACE', 'the disk is full')
    })
    await expect(snapshotEngine(task, env, accessTo(standIn), { ...CLEAN, restore: false })).rejects.toMatchObject({
      code: 'LAGO_NO_SPACE',
    })
    expect(statesOf(standIn)).toEqual(IN_SERVICE)
    expect(new Set(services.values())).toEqual(new Set(['active']))
    expect(messages('error')).toEqual([])
  })

  test('a host that does not go into maintenance', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const { env } = fakeEnv(standIn)
    const bad = standIn.data.hosts[1]
    if (bad === undefined) throw new Error('unreachable: the ordinary engine has two')
    bad.status = 'non_responsive'
    await expect(snapshotEngine(task, env, accessTo(standIn), CLEAN)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_STATE',
      message: 'host host1 maintenance will not come: its state is non_responsive',
    })
    expect(statesOf(standIn)).toEqual({ ...IN_SERVICE, host1: 'non_responsive' })
  })

  test('Ctrl-C', async () => {
    const { task, abort } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const { env, services, on } = fakeEnv(standIn)
    on('snapshot clean', () => {
      abort(new LagoError('LAGO_CANCELLED', 'cancelled by SIGINT'))
      task.signal.throwIfAborted()
    })
    await expect(snapshotEngine(task, env, accessTo(standIn), CLEAN)).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
    expect(statesOf(standIn)).toEqual(IN_SERVICE)
    expect(new Set(services.values())).toEqual(new Set(['active']))
  })

  test('an engine that dies in the middle of it, and can be started again', async () => {
    const { task, messages } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const { env, services, on } = fakeEnv(standIn)
    on('engine stop ovirt-engine', async () => {
      services.set('engine ovirt-engine', 'inactive')
      await standIn.goAway()
      throw new LagoError('LAGO_SERVICE', 'Failed to stop service ovirt-engine')
    })
    await expect(snapshotEngine(task, env, accessTo(standIn), CLEAN)).rejects.toMatchObject({ code: 'LAGO_SERVICE' })
    expect(statesOf(standIn)).toEqual(IN_SERVICE)
    expect(services.get('engine ovirt-engine')).toBe('active')
    expect(messages('error')).toEqual([])
  })

  test.each([['drop' as const], [503], [409]])(
    'an engine that is away for a while does not matter (%s)',
    async (how) => {
      const { task } = recordedTask()
      const standIn = await engines.start({}, QUICK)
      standIn.fail({ on: /\/api\/(hosts|datacenters.*storagedomains)\//, after: 3, times: 9, how })
      const { env } = fakeEnv(standIn)
      await snapshotEngine(task, env, accessTo(standIn), CLEAN)
      expect(statesOf(standIn)).toEqual(IN_SERVICE)
    },
  )
})

describe('what does not come back is named', () => {
  test('after a snapshot, as the error of it', async () => {
    const { task } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const { env, on } = fakeEnv(standIn)
    on('snapshot clean', () => {
      const bad = standIn.data.hosts[1]
      if (bad !== undefined) bad.fate = 'non_operational'
    })
    await expect(snapshotEngine(task, env, accessTo(standIn), CLEAN)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_NOT_RESTORED',
      message: 'not back in service: host1: host host1 up will not come: its state is non_operational',
      data: { left: ['host1'] },
    })
    expect(statesOf(standIn)).toEqual({ ...IN_SERVICE, host1: 'non_operational' })
  })

  test('after a failure, beside the error of that', async () => {
    const { task, messages } = recordedTask()
    const standIn = await engines.start({}, QUICK)
    const { env, on } = fakeEnv(standIn)
    on('engine stop ovirt-engine', () => {
      throw new LagoError('LAGO_SERVICE', 'Failed to stop service ovirt-engine')
    })
    standIn.fail({ on: /POST .*\/activate/, how: 400 })
    await expect(snapshotEngine(task, env, accessTo(standIn), CLEAN)).rejects.toMatchObject({ code: 'LAGO_SERVICE' })
    expect(messages('error')).toEqual([
      expect.stringMatching(/^not back in service: host0, host1, nfs, iscsi, iso: 2 failures: .*refused POST/),
    ])
  })
})
