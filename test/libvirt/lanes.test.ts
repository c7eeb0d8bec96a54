import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { startLane, type Lane } from '../../src/libvirt/lane.js'
import { createLanePool, type LanePool } from '../../src/libvirt/pool.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'
import { domainXml, networkXml, TEST_URI } from './test-driver.js'

const tempDir = useTempDirs()
const { task } = recordedTask()
const cleanUps: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

describe('lanes', () => {
  test('questions share one lane, however many are asked at once', async () => {
    const { pool, lanes } = testPool()
    await Promise.all(Array.from({ length: 20 }, async () => pool.run(task, { name: 'capabilities', args: [] })))
    expect(lanes).toHaveLength(1)
  })

  test('slow calls get a lane each, up to the limit, and one is kept for questions', async () => {
    const { pool, lanes } = testPool({ maxLanes: 3 })
    await Promise.all([pool.run(task, create()), pool.run(task, { name: 'capabilities', args: [] })])
    expect(lanes).toHaveLength(2)
    await Promise.all(Array.from({ length: 5 }, async () => pool.run(task, create())))
    expect(lanes).toHaveLength(3)
  })

  test('lanes are used again', async () => {
    const { pool, lanes } = testPool()
    for (let count = 0; count < 3; count++) await pool.run(task, create())
    expect(lanes).toHaveLength(1)
  })

  test('a lane that was warmed up takes the first call', async () => {
    const { pool, lanes } = testPool()
    pool.warmUp()
    pool.warmUp()
    expect(lanes).toHaveLength(1)
    await pool.run(task, { name: 'capabilities', args: [] })
    expect(lanes).toHaveLength(1)
  })

  test('the death of a lane fails its call, and the next call gets a new lane', async () => {
    const { pool, lanes } = testPool()
    const pending = pool.run(task, create('doomed'))
    lanes[0]?.kill()
    await expect(pending).rejects.toMatchObject({
      code: 'LAGO_LIBVIRT',
      message: /thread ended .* the domain "doomed"/,
    })
    await expect(pool.run(task, { name: 'domainInfos', args: [[]] })).resolves.toEqual(new Map())
    expect(lanes).toHaveLength(2)
  })

  test('the death of an idle lane is not noticed by the next call', async () => {
    const { pool, lanes } = testPool()
    await pool.run(task, { name: 'capabilities', args: [] })
    lanes[0]?.kill()
    await pool.run(task, { name: 'capabilities', args: [] })
    expect(lanes).toHaveLength(2)
  })
})

describe('an aborted task', () => {
  test('starts no call', async () => {
    const { pool, lanes } = testPool()
    const { task, abort } = recordedTask()
    abort(new Error('enough'))
    await expect(pool.run(task, { name: 'capabilities', args: [] })).rejects.toThrow('enough')
    expect(lanes).toHaveLength(0)
  })

  test('takes its call out of the queue', async () => {
    const { pool } = testPool({ maxLanes: 1 })
    const { task: doomed, abort } = recordedTask()
    const first = pool.run(task, create('kept'))
    const queued = pool.run(doomed, create('dropped'))
    abort(new Error('enough'))
    await expect(queued).rejects.toThrow('enough')
    await first
    expect(await pool.run(task, { name: 'domainInfos', args: [['kept', 'dropped']] })).toHaveProperty('size', 1)
  })

  test('is left with nothing: what its call still creates is destroyed', async () => {
    await using witness = openLibvirt({ uri: TEST_URI })
    await witness.capabilities(task) // keeps the driver's objects
    const libvirt = openLibvirt({ uri: TEST_URI })
    const { task: doomed, abort } = recordedTask()
    const domain = libvirt.createDomain(doomed, domainXml('undone'))
    const network = libvirt.createNetwork(doomed, networkXml('net0'))
    abort(new Error('enough'))
    await expect(domain).rejects.toThrow('enough')
    await expect(network).rejects.toThrow('enough')
    await libvirt.close()
    expect(await witness.domainInfos(task, ['undone'])).toEqual(new Map())
    expect(await witness.activeNetworks(task, ['net0'])).toEqual(new Map())
  })

  test('is answered at once while the daemon hangs, and others go on', async () => {
    const daemon = await hangingDaemon()
    const libvirt = openLibvirt({ uri: daemon.uri, maxLanes: 2 })
    const { task: doomed, abort } = recordedTask()
    const asked = libvirt.capabilities(doomed)
    await daemon.connected()
    abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    const again = libvirt.capabilities(task)
    await daemon.connected() // on a second lane
    daemon.server.close()
    daemon.hangUp()
    await expect(again).rejects.toMatchObject({ code: 'LAGO_LIBVIRT_CONNECT' })
    await libvirt.close()
  })
})

test('close gives up a call that does not end within its limit', async () => {
  const daemon = await hangingDaemon()
  const { pool } = testPool({ uri: daemon.uri })
  const asked = pool.run(task, { name: 'capabilities', args: [] })
  const failure = expect(asked).rejects.toMatchObject({ code: 'LAGO_LIBVIRT', message: /thread ended/ })
  await daemon.connected()
  await pool.close(0)
  await failure
})

test('calls that wait for a lane fail when the pool is closed', async () => {
  const { pool } = testPool({ maxLanes: 1 })
  const first = pool.run(task, create())
  const queued = expect(pool.run(task, create())).rejects.toThrow('the libvirt connection is closed')
  await pool.close(10_000)
  await queued
  await expect(first).resolves.toBeUndefined()
})

function testPool({ maxLanes = 8, uri = TEST_URI } = {}): { pool: LanePool; lanes: Lane[] } {
  const lanes: Lane[] = []
  const start = (): Lane => {
    const lane = startLane({ uri, user: undefined, password: undefined })
    lanes.push(lane)
    return lane
  }
  const pool = createLanePool({ maxLanes, startLane: start })
  cleanUps.push(async () => pool.close(10_000))
  return { pool, lanes }
}

/** A name that no other test uses: the connection of a killed lane stays open, and with it the domains of the process. */
function newName(): string {
  return `lanes-${++nameCount}`
}
let nameCount = 0

function create(name = newName()): { name: 'createDomain'; args: [string, object] } {
  return { name: 'createDomain', args: [domainXml(name), {}] }
}

/** Takes connections and never says a word. */
async function hangingDaemon(): Promise<{
  uri: string
  server: Server
  connected: () => Promise<unknown>
  hangUp: () => void
}> {
  const socketPath = path.join(await tempDir(), 'sock')
  const hangUps: (() => void)[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    hangUps.push(() => socket.destroy())
    server.emit('taken')
  }).listen(socketPath)
  await once(server, 'listening')
  const hangUp = (): void => hangUps.splice(0).forEach((end) => end())
  cleanUps.push(async () => {
    hangUp()
    server.close()
  })
  return {
    uri: `qemu+unix:///system?socket=${socketPath}`,
    server,
    connected: async () => once(server, 'taken'),
    hangUp,
  }
}
