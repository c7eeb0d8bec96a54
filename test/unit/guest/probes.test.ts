/** The questions that a wait asks a guest, from outside and inside. */
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import path from 'node:path'
import { expect, jest, test } from '@jest/globals'
import type { Guest, GuestResult } from '../../../src/guest/guest.js'
import { hasNeighbour } from '../../../src/guest/neighbour.js'
import { probeCloudInit } from '../../../src/guest/probe-cloud-init.js'
import { commandProbe } from '../../../src/guest/probe-command.js'
import { probePort } from '../../../src/guest/probe-port.js'
import { unitProbe } from '../../../src/guest/probe-unit.js'
import { probeSsh, waitForSsh } from '../../../src/guest/wait-for-ssh.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { scriptedGuest } from '../../helpers/scripted-guest.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
const IP = '127.0.0.1'

async function withServer<T>(treat: (socket: Socket) => void, work: (port: number) => Promise<T>): Promise<T> {
  const server = createServer(treat)
  await new Promise<void>((resolve) => server.listen(0, IP, resolve))
  try {
    return await work((server.address() as AddressInfo).port) // a TCP server has one
  } finally {
    server.close()
  }
}

/** Nobody listens there, and nobody is given it: the kernel draws ports from higher up. */
const CLOSED_PORT = 1

test('a port that accepts is open, and nothing is awaited from it', async () => {
  const { task } = recordedTask()
  const answer = await withServer(
    (socket) => socket.on('error', () => undefined),
    async (port) => probePort(task, { ip: IP, port }),
  )
  expect(answer).toMatchObject({ kind: 'open', greeting: undefined })
})

test('a refused connection is an answer of the guest', async () => {
  const { task } = recordedTask()
  expect(await probePort(task, { ip: IP, port: CLOSED_PORT })).toMatchObject({
    kind: 'closed',
    text: expect.stringContaining('ECONNREFUSED'),
  })
})

test.each([
  ['a server that speaks', 'ssh', 'SSH-2.0-x\r\n', { kind: 'open', greeting: 'SSH-2.0-x\r\n' }],
  ['a server', 'any', '', { kind: 'open', greeting: undefined }],
  ['a refusal', 'none', '', { kind: 'closed' }],
])('%s is seen, even when this process was held up until the time was over', async (_, wanted, said, answer) => {
  const { task } = recordedTask()
  const held = new Int32Array(new SharedArrayBuffer(4))
  await withServer(
    (socket) => void (said === '' ? socket.on('error', () => undefined) : socket.write(said)),
    async (port) => {
      await new Promise((resolve) => setImmediate(resolve)) // what comes next in a turn are its timers
      const probing = probePort(task, { ip: IP, port: wanted === 'none' ? CLOSED_PORT : port, greeting: said !== '' })
      process.nextTick(() => Atomics.wait(held, 0, 0, 1000)) // behind the one in which it connects
      expect(await probing).toMatchObject(answer)
    },
  )
})

test('an address where nobody is gives silence', async () => {
  const { task } = recordedTask()
  expect(await probePort(task, { ip: '224.0.0.1', port: 22 })).toMatchObject({ kind: 'silent' })
})

test.each([
  ['ssh', 'SSH-2.0-x\r\n', { kind: 'ssh' }],
  ['something else', 'HTTP/1.1 400\r\n', { kind: 'open', text: expect.stringContaining('something else than ssh') }],
  ['nothing', '', { kind: 'open', text: expect.stringContaining('without a greeting') }],
])('a server that speaks %s', async (_, said, answer) => {
  const { task } = recordedTask()
  await withServer(
    (socket) => socket.end(said),
    async (port) => expect(await probeSsh(task, { ip: IP, port })).toMatchObject(answer),
  )
})

test('an abort ends a look at a server that says nothing', async () => {
  const { task, abort } = recordedTask()
  await withServer(
    () => abort(new Error('enough')),
    async (port) => expect(probePort(task, { ip: IP, port, greeting: true })).rejects.toThrow('enough'),
  )
})

test('a guest that does not greet in time is told with the way to see what it prints', async () => {
  const { task } = recordedTask()
  const server = { vm: 'vm0', ip: IP, port: CLOSED_PORT }
  await expect(waitForSsh(task, server, 50)).rejects.toMatchObject({
    code: 'LAGO_GUEST_UNREACHABLE',
    hint: expect.stringContaining('lago console vm0 --log'),
  })
})

test('a long wait for ssh is told once, with what it is for and its limit', async () => {
  const recorded = recordedTask()
  const server = { vm: 'vm0', ip: IP, port: CLOSED_PORT }
  const clock = jest.spyOn(Date, 'now')
  const startedAt = Date.now()
  try {
    clock.mockReturnValue(startedAt)
    const waiting = waitForSsh(recorded.task, server, 600_000)
    waiting.catch(() => undefined)
    const told = recorded.message(/^waiting for ssh/)
    clock.mockReturnValue(startedAt + 6000)
    expect(await told).toBe('waiting for ssh on vm0, at most 600 s')
    clock.mockReturnValue(startedAt + 700_000)
    await expect(waiting).rejects.toMatchObject({ code: 'LAGO_GUEST_UNREACHABLE' })
  } finally {
    clock.mockRestore()
  }
  expect(recorded.messages().filter((text) => text.startsWith('waiting'))).toHaveLength(1)
})

test("the host's kernel knows those whose address it has learnt", async () => {
  const tablePath = path.join(await makeTempDir(), 'arp')
  const table = [
    'IP address       HW type     Flags       HW address            Mask     Device',
    '192.168.200.2    0x1         0x2         54:52:c0:a8:c8:02     *        br0',
    '192.168.200.3    0x1         0x0         00:00:00:00:00:00     *        br0',
    '192.168.200.40   0x1         0x6         54:52:c0:a8:c8:40     *        br0',
  ]
  await writeFile(tablePath, `${table.join('\n')}\n`)
  const known = async (ip: string): Promise<boolean> => hasNeighbour(ip, tablePath)
  expect(await Promise.all(['192.168.200.2', '192.168.200.3', '192.168.200.40', '192.168.200.4'].map(known))).toEqual([
    true,
    false,
    true,
    false,
  ])
  expect(await hasNeighbour('192.168.200.2', `${tablePath}-missing`)).toBe(false)
})

test.each<[string, Partial<GuestResult>, unknown]>([
  ['that succeeds', {}, { value: true }],
  ['that fails', { exitCode: 3 }, { notYet: 'the command ended with 3' }],
  [
    'that says why',
    { exitCode: 1, stdout: 'out\n', stderr: 'a\nnot \u001b[2Jyet\u0007\n' },
    { notYet: 'the command ended with 1: not yet' },
  ],
  ['that says it on stdout', { exitCode: 1, stdout: 'starting\n' }, { notYet: 'the command ended with 1: starting' }],
])('a command %s', async (_, result, answer) => {
  const guest = scriptedGuest({ 'test -e /ready': result })
  expect(await commandProbe('test -e /ready')(recordedTask().task, guest)).toEqual(answer)
  expect(guest.commands).toEqual(['test -e /ready'])
})

const unitState = (active: string, load = 'loaded', sub = 'sub'): string =>
  `LoadState=${load}\nActiveState=${active}\nSubState=${sub}\n`

test.each<[string, Partial<GuestResult>, unknown]>([
  ['active', { stdout: unitState('active') }, { value: true }],
  [
    'on its way',
    { stdout: unitState('activating', 'loaded', 'start-pre') },
    { notYet: 'unit web is activating (start-pre)' },
  ],
  ['inactive', { stdout: unitState('inactive', 'loaded', 'dead') }, { notYet: 'unit web is inactive (dead)' }],
  ['not installed', { stdout: unitState('inactive', 'not-found', 'dead') }, { notYet: 'there is no unit web' }],
  [
    'failed',
    { stdout: `${unitState('failed')}\nbind: Address already in use\nexit \u001b[2J1\n` },
    { never: 'unit web has failed\n    bind: Address already in use\n    exit 1' },
  ],
  ['of no systemd', { exitCode: 97 }, { never: expect.stringContaining('does not run systemd') }],
  ['of a guest that talks nonsense', { stdout: 'ok\u0000' }, { notYet: 'unit web is in no known state ()' }],
  [
    'of a guest whose journal lies about the state',
    { stdout: `${unitState('failed')}\nActiveState=active\n` },
    { never: 'unit web has failed\n    ActiveState=active' },
  ],
])('a unit that is %s', async (_, result, answer) => {
  const guest = scriptedGuest({ systemctl: result })
  expect(await unitProbe('web')(recordedTask().task, guest)).toMatchObject(answer as object)
  expect(guest.commands).toEqual([expect.stringMatching(/^sh -c .* sh web$/s)])
})

test("of a unit's journal the last ten lines are told", async () => {
  const journal = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n\n')
  const guest = scriptedGuest({ systemctl: { stdout: `${unitState('failed')}\n${journal}\n` } })
  const answer = await unitProbe('web')(recordedTask().task, guest)
  if (!('never' in answer)) throw new Error('a failed unit is not waited for')
  expect(answer.never.split('\n')).toHaveLength(11)
  expect(answer.never).toMatch(/ line 20\n.* line 29$/s)
})

test.each<[string, string, unknown]>([
  ['is done', 'done\n{"v1": {"datasource": "None", "errors": []}}\n', { value: true }],
  ['is done, and wrote half a file', 'done\n{"v1"', { value: true }],
  ['works', 'waiting\n', { notYet: 'cloud-init is at work' }],
  [
    'ended with errors',
    'done\n{"v1": {"errors": ["no\\u001b[2J"]}}',
    { never: 'cloud-init in vm0 ended with errors: no' },
  ],
  ['is disabled', 'disabled\n', { never: 'cloud-init is disabled in vm0' }],
  ['is missing', 'missing\n', { never: 'vm0 has no cloud-init' }],
  ['says nonsense', '\u0000', { notYet: 'cloud-init: no known answer' }],
])('cloud-init that %s', async (_, stdout, answer) => {
  const guest = scriptedGuest({ '/run/cloud-init': { stdout } })
  expect(await probeCloudInit(recordedTask().task, guest)).toMatchObject(answer as object)
})

/** A guest whose commands run in this host's shell, with `/run` and the programs of `dir`. */
function shellGuest(dir: string): Guest {
  const here = (text: string): string => text.replaceAll('/run/', `${dir}/run/`)
  return {
    ...scriptedGuest({}),
    async run(_, command) {
      const [, ...words] = typeof command === 'string' ? ['sh', '-c', command] : command
      const env = { PATH: `${dir}/bin:${process.env['PATH']}` }
      const { status, stdout, stderr } = spawnSync('sh', words.map(here), { env, encoding: 'utf8' })
      return { exitCode: status ?? -1, stdout, stderr }
    },
  }
}

const SYSTEMCTL = `#!/bin/sh
for unit; do :; done
printf 'LoadState=loaded\nActiveState=%s\nSubState=x\n' "$unit"
`

test('the questions are ones that a shell understands', async () => {
  const { task } = recordedTask()
  const dir = await makeTempDir()
  const guest = shellGuest(dir)
  expect(await unitProbe('active')(task, guest)).toMatchObject({ never: expect.stringContaining('no unit active') })
  expect(await probeCloudInit(task, guest)).toMatchObject({ never: 'vm0 has no cloud-init' })

  await mkdir(path.join(dir, 'run/systemd/system'), { recursive: true })
  await mkdir(path.join(dir, 'run/cloud-init'))
  await mkdir(path.join(dir, 'bin'))
  await writeFile(path.join(dir, 'bin/systemctl'), SYSTEMCTL, { mode: 0o755 })
  await writeFile(path.join(dir, 'bin/journalctl'), '#!/bin/sh\necho "$*"\n', { mode: 0o755 })
  expect(await unitProbe('active')(task, guest)).toEqual({ value: true })
  expect(await unitProbe('failed')(task, guest)).toMatchObject({
    never: expect.stringMatching(/^unit failed has failed\n.* --lines=10 --unit=failed$/),
  })
  expect(await probeCloudInit(task, guest)).toEqual({ notYet: 'cloud-init is at work' })
  await writeFile(path.join(dir, 'run/cloud-init/disabled'), '')
  expect(await probeCloudInit(task, guest)).toMatchObject({ never: 'cloud-init is disabled in vm0' })
  await writeFile(path.join(dir, 'run/cloud-init/result.json'), '{"v1": {"errors": []}}')
  expect(await probeCloudInit(task, guest)).toEqual({ value: true })
})
