import { describe, expect, test } from '@jest/globals'
import { connectEngine } from '../../../src/engine/client.js'
import { activateHosts, deactivateHosts } from '../../../src/engine/hosts.js'
import { listAttachedDomains, listHosts, listVms } from '../../../src/engine/resources.js'
import { activateDomains, deactivateDomains, waitForDomains } from '../../../src/engine/storage-domains.js'
import type { Engine } from '../../../src/engine/types.js'
import { ordinaryVms, startVms, stopVms } from '../../../src/engine/vms.js'
import type { EngineData } from '../../helpers/engine/model.js'
import type { StandInEngine, StandInOptions } from '../../helpers/engine/server.js'
import { useEngines } from '../../helpers/engine/use-engine.js'
import { recordedTask } from '../../helpers/recorded-task.js'

const engines = useEngines()
const { task } = recordedTask()
const LONG_MS = 20_000

async function connected(
  data?: Partial<EngineData>,
  options?: Partial<StandInOptions> & { readonly requestTimeoutMs?: number },
): Promise<{ standIn: StandInEngine; engine: Engine }> {
  const standIn = await engines.start(data, options)
  const { requestTimeoutMs = LONG_MS } = options ?? {}
  const trust = { kind: 'insecure' as const }
  const engine = await connectEngine(
    task,
    { url: standIn.url, user: 'admin@internal', password: '123', trust, everyMs: 1, requestTimeoutMs },
    LONG_MS,
  )
  return { standIn, engine }
}

function statesOf(resources: readonly { readonly name: string; readonly status: string }[]): Record<string, string> {
  return Object.fromEntries(resources.map(({ name, status }) => [name, status]))
}

function actionsOf({ requests }: StandInEngine): string[] {
  return requests
    .filter((request) => /POST .*\/api\//.test(request))
    .map((request) => request.replace(/^.*\/api\//, ''))
}

test('hosts go into maintenance and come back', async () => {
  const { standIn, engine } = await connected()
  await deactivateHosts(task, engine, await listHosts(task, engine), LONG_MS)
  expect(statesOf(standIn.data.hosts)).toEqual({ host0: 'maintenance', host1: 'maintenance' })
  expect(statesOf(standIn.data.storageDomains)).toEqual({ nfs: 'unknown', iscsi: 'unknown', iso: 'unknown' })
  await activateHosts(task, engine, await listHosts(task, engine), LONG_MS)
  expect(statesOf(standIn.data.hosts)).toEqual({ host0: 'up', host1: 'up' })
  await waitForDomains(task, engine, await listAttachedDomains(task, engine), LONG_MS)
  expect(statesOf(standIn.data.storageDomains)).toEqual({ nfs: 'active', iscsi: 'active', iso: 'active' })
})

test('the master goes last and comes first', async () => {
  const { standIn, engine } = await connected()
  await deactivateDomains(task, engine, await listAttachedDomains(task, engine), LONG_MS)
  expect(statesOf(standIn.data.storageDomains)).toEqual({
    nfs: 'maintenance',
    iscsi: 'maintenance',
    iso: 'maintenance',
  })
  await activateDomains(task, engine, await listAttachedDomains(task, engine), LONG_MS)
  expect(statesOf(standIn.data.storageDomains)).toEqual({ nfs: 'active', iscsi: 'active', iso: 'active' })
  const of = 'datacenters/dc-1/storagedomains'
  const actions = actionsOf(standIn)
  expect(actions.slice(0, 2).sort()).toEqual([`${of}/sd-iscsi/deactivate`, `${of}/sd-iso/deactivate`])
  expect(actions.slice(2, 4)).toEqual([`${of}/sd-nfs/deactivate`, `${of}/sd-nfs/activate`])
  expect(actions.slice(4).sort()).toEqual([`${of}/sd-iscsi/activate`, `${of}/sd-iso/activate`])
})

test('domains that are attached to nothing are left alone', async () => {
  const loose = { id: 'sd-x', name: 'loose', type: 'export' as const, master: false, status: 'unattached' }
  const { engine } = await connected({ storageDomains: [loose] })
  expect(await listAttachedDomains(task, engine)).toEqual([])
})

test('VMs start and stop, but not the one in which the engine runs', async () => {
  const vms = [
    { id: 'vm-0', name: 'vm0', status: 'down' },
    { id: 'vm-1', name: 'HostedEngine', status: 'up' },
  ]
  const { standIn, engine } = await connected({ vms })
  const ordinary = ordinaryVms(await listVms(task, engine))
  await startVms(task, engine, ordinary, LONG_MS)
  expect(statesOf(standIn.data.vms)).toEqual({ vm0: 'up', HostedEngine: 'up' })
  await stopVms(task, engine, ordinary, LONG_MS)
  expect(statesOf(standIn.data.vms)).toEqual({ vm0: 'down', HostedEngine: 'up' })
})

describe('on the way', () => {
  test('what the engine refuses is asked again until it is taken', async () => {
    const { standIn, engine } = await connected()
    standIn.fail({ on: /POST .*\/deactivate/, times: 7, how: 409 })
    await deactivateHosts(task, engine, await listHosts(task, engine), LONG_MS)
    expect(statesOf(standIn.data.hosts)).toEqual({ host0: 'maintenance', host1: 'maintenance' })
    expect(actionsOf(standIn)).toHaveLength(9)
  })

  test.each([['drop' as const], ['lost' as const], [503]])(
    'an outage does not matter when it ends (%s)',
    async (how) => {
      const { standIn, engine } = await connected()
      standIn.fail({ on: /\/api\/hosts\//, after: 1, times: 5, how })
      await deactivateHosts(task, engine, await listHosts(task, engine), LONG_MS)
      expect(statesOf(standIn.data.hosts)).toEqual({ host0: 'maintenance', host1: 'maintenance' })
    },
  )

  test('an action whose answer was lost is not asked for twice', async () => {
    const { standIn, engine } = await connected()
    const [host] = await listHosts(task, engine)
    standIn.fail({ on: /POST .*\/deactivate/, times: 1, how: 'lost' })
    await deactivateHosts(task, engine, host === undefined ? [] : [host], LONG_MS)
    expect(actionsOf(standIn)).toEqual(['hosts/ho-0/deactivate'])
  })

  test('the session may end', async () => {
    const { standIn, engine } = await connected()
    const hosts = await listHosts(task, engine)
    standIn.api.endSessions()
    await deactivateHosts(task, engine, hosts, LONG_MS)
    expect(statesOf(standIn.data.hosts)).toEqual({ host0: 'maintenance', host1: 'maintenance' })
    expect(standIn.api.tokensGiven).toBe(2)
  })
})

describe('in vain', () => {
  test.each(['non_operational', 'install_failed'])('a host that becomes %s is told at once', async (fate) => {
    const { engine } = await connected({
      hosts: [{ id: 'ho-0', name: 'host0', cluster: 'cl-1', status: 'maintenance', fate }],
    })
    await expect(activateHosts(task, engine, await listHosts(task, engine), LONG_MS)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_STATE',
      message: `host host0 up will not come: its state is ${fate}`,
    })
  })

  test('a host that does not respond does not go into maintenance, and the other one does', async () => {
    const { standIn, engine } = await connected({
      hosts: [
        { id: 'ho-0', name: 'host0', cluster: 'cl-1', status: 'non_responsive' },
        { id: 'ho-1', name: 'host1', cluster: 'cl-1', status: 'up' },
      ],
    })
    await expect(deactivateHosts(task, engine, await listHosts(task, engine), LONG_MS)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_STATE',
      message: 'host host0 maintenance will not come: its state is non_responsive',
    })
    expect(statesOf(standIn.data.hosts)).toEqual({ host0: 'non_responsive', host1: 'maintenance' })
  })

  test('a refusal without end is told with the state at the limit', async () => {
    const { standIn, engine } = await connected()
    standIn.fail({ on: /POST .*\/deactivate/, how: 409 })
    const [host] = await listHosts(task, engine)
    await expect(deactivateHosts(task, engine, host === undefined ? [] : [host], 3000)).rejects.toMatchObject({
      code: 'LAGO_TIMEOUT',
      message: expect.stringMatching(
        /^host host0 maintenance did not happen within 3 s; last seen: state up, .*refused.*409\.\]$/,
      ),
      data: { lastState: 'up' },
    })
  })

  test('an engine that stays away is told with the last state that was seen', async () => {
    const { standIn, engine } = await connected({}, { looksPerState: 1000 })
    standIn.fail({ on: /\/api\/hosts\/ho-0/, after: 3, how: 'drop' })
    const [host] = await listHosts(task, engine)
    await expect(deactivateHosts(task, engine, host === undefined ? [] : [host], 5000)).rejects.toMatchObject({
      code: 'LAGO_TIMEOUT',
      message: expect.stringMatching(/last seen: state preparing_for_maintenance, the connection broke$/),
    })
  })

  test('an engine that hangs is left at the limit', async () => {
    const { standIn, engine } = await connected()
    const [host] = await listHosts(task, engine)
    standIn.fail({ how: 'hang' })
    await expect(deactivateHosts(task, engine, host === undefined ? [] : [host], 50)).rejects.toMatchObject({
      code: 'LAGO_TIMEOUT',
      message: expect.stringMatching(/last seen: state up$/),
    })
  })
})
