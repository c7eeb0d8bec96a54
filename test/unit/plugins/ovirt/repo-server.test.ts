/** Nets whose gateways are addresses of the loopback device: every test file's process has its own. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Env } from '../../../../src/index.js'
import { findPortOwner } from '../../../../src/plugins/ovirt/port-owner.js'
import { withRepoServer } from '../../../../src/plugins/ovirt/repo-server.js'
import { untilInterrupted } from '../../../../src/plugins/ovirt/until-interrupted.js'
import { LagoError } from '../../../../src/base/errors.js'
import { recordedTask } from '../../../helpers/recorded-task.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const GATEWAY = `127.${1 + (process.pid % 250)}.${(process.pid >> 8) % 256}.1`
const OTHER_GATEWAY = GATEWAY.replace(/1$/, '2')
let dir: string

beforeEach(async () => {
  dir = await makeTempDir()
  await mkdir(path.join(dir, 'internal_repo/default'), { recursive: true })
  await writeFile(path.join(dir, 'internal_repo/default/a.rpm'), 'a')
})

interface NetFacts {
  readonly gateway?: string
  readonly isManagement?: boolean
  readonly isUp?: boolean
}

/** An environment of which nothing but its nets is asked. */
function envWith(nets: Readonly<Record<string, NetFacts>>, uuid = 'e1'): Env {
  const all = Object.entries(nets).map(([name, { gateway, isManagement = true, isUp = true }]) => {
    return [name, { name, gateway, isManagement, isUp: async () => isUp }] as const
  })
  return { prefixDir: dir, uuid, nets: new Map(all) } as unknown as Env
}

const fetched = async (url: string): Promise<string> => (await fetch(url)).text()

test('serves on the gateways of all management nets that are up, for as long as the work takes', async () => {
  const { task, messages } = recordedTask()
  const nets = {
    other: { gateway: '127.0.0.9', isManagement: false },
    first: { gateway: GATEWAY },
    down: { gateway: '127.0.0.8', isUp: false },
    bridge: {},
    second: { gateway: OTHER_GATEWAY },
  }
  const answer = await withRepoServer(task, envWith(nets), async (urls) => {
    expect(urls).toEqual([`http://${GATEWAY}:8585/`, `http://${OTHER_GATEWAY}:8585/`])
    for (const url of urls) expect(await fetched(`${url}default/a.rpm`)).toBe('a')
    return 'done'
  })
  expect(answer).toBe('done')
  expect(messages('warning')).toEqual([])
  await expect(fetch(`http://${GATEWAY}:8585/`)).rejects.toThrow()
})

test('ends also when the work fails, and when a later net cannot be served', async () => {
  const { task } = recordedTask()
  const failing = withRepoServer(task, envWith({ lago: { gateway: GATEWAY } }), async () => {
    throw new Error('the work failed')
  })
  await expect(failing).rejects.toThrow('the work failed')
  await expect(fetch(`http://${GATEWAY}:8585/`)).rejects.toThrow()
  const nets = { lago: { gateway: GATEWAY }, away: { gateway: '203.0.113.1' } }
  await expect(withRepoServer(task, envWith(nets), async () => undefined)).rejects.toMatchObject({
    code: 'LAGO_REPO_NO_GATEWAY',
    message: 'net away is up, and this host does not have its 203.0.113.1',
  })
  await expect(fetch(`http://${GATEWAY}:8585/`)).rejects.toThrow()
})

test('without a repository the work is done, with a warning', async () => {
  const { task, messages } = recordedTask()
  dir = await makeTempDir()
  await withRepoServer(task, envWith({ lago: { gateway: GATEWAY } }), async ([url = '']) => {
    expect((await fetch(url)).status).toBe(200)
  })
  expect(messages('warning')).toEqual([expect.stringContaining(`there is no ${dir}/internal_repo`)])
})

describe('what keeps it from serving is told:', () => {
  const nothing = async (): Promise<void> => {
    throw new Error('the work was done')
  }

  test('a net without a gateway', async () => {
    await expect(withRepoServer(recordedTask().task, envWith({ br: {} }), nothing)).rejects.toMatchObject({
      code: 'LAGO_REPO_NO_GATEWAY',
      message: 'management net br has no gateway to serve on',
    })
  })

  test('a net that is down', async () => {
    const env = envWith({ lago: { gateway: GATEWAY, isUp: false } })
    await expect(withRepoServer(recordedTask().task, env, nothing)).rejects.toMatchObject({
      code: 'LAGO_REPO_NET_DOWN',
      message: 'management net lago is down: nothing can be served on it',
      hint: 'lago start',
    })
  })

  test('a port that another program has', async () => {
    const squatter = createServer((socket) => socket.destroy()).listen(8585, GATEWAY)
    await once(squatter, 'listening')
    const env = envWith({ lago: { gateway: GATEWAY } })
    const error = await withRepoServer(recordedTask().task, env, nothing).catch((error: unknown) => error)
    squatter.close()
    expect(error).toMatchObject({ code: 'LAGO_REPO_PORT', data: { owner: { pid: process.pid } } })
    expect((error as LagoError).message).toMatch(
      new RegExp(`^port 8585 of ${GATEWAY} is taken by process ${process.pid} \\([^)]+\\)$`),
    )
  })

  test('a port that another lago has, for this environment or for another one', async () => {
    const { task, messages } = recordedTask()
    const nets = { lago: { gateway: GATEWAY } }
    await withRepoServer(task, envWith(nets), async (urls) => {
      expect(await withRepoServer(task, envWith(nets), async (shared) => shared)).toEqual(urls)
      expect(messages('info')).toEqual(['another lago serves this environment on net lago: guests go on with that'])
      await expect(withRepoServer(task, envWith(nets), nothing, { mayShare: false })).rejects.toMatchObject({
        code: 'LAGO_REPO_PORT',
        message: expect.stringMatching(/, another lago that serves this environment$/),
      })
      await expect(withRepoServer(task, envWith(nets, 'e2'), nothing)).rejects.toMatchObject({
        message: expect.stringMatching(/\)$/),
      })
    })
  })
})

test('the owner of a port is found by its address, or when it listens on all; nobody owns a free one', async () => {
  for (const [listening, asked] of [
    [GATEWAY, GATEWAY],
    ['0.0.0.0', GATEWAY],
    ['::', GATEWAY],
    [`::ffff:${GATEWAY}`, GATEWAY],
  ] as const) {
    const server = createServer().listen(0, listening)
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    expect(await findPortOwner(asked, port)).toMatchObject({ pid: process.pid })
    if (listening === GATEWAY) expect(await findPortOwner(OTHER_GATEWAY, port)).toBeUndefined()
    server.close()
    await once(server, 'close')
    expect(await findPortOwner(asked, port)).toBeUndefined()
  }
})

test('Ctrl-C is an end to what goes on until then; other signals are not', async () => {
  for (const [signal, outcome] of [
    ['SIGINT', 'ended'],
    ['SIGTERM', 'cancelled by SIGTERM'],
  ] as const) {
    const { task, abort } = recordedTask()
    const waiting = untilInterrupted(task).then(
      () => 'ended',
      (error: unknown) => (error as Error).message,
    )
    abort(new LagoError('LAGO_CANCELLED', `cancelled by ${signal}`, { data: { signal } }))
    expect(await waiting).toBe(outcome)
  }
})
