/** Waiting for VMs of a provider that does as it is told; the console logs and the ports are real. */
import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, expect, jest, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { createRegistry } from '../../../src/base/registry.js'
import type { VmState } from '../../../src/libvirt/types.js'
import { planEnv } from '../../../src/plan/plan-env.js'
import type { EnvPlan } from '../../../src/plan/types.js'
import type { Host } from '../../../src/prefix/host.js'
import { prefixLayout } from '../../../src/prefix/layout.js'
import type { Prefix } from '../../../src/prefix/prefix.js'
import { waitForRung } from '../../../src/prefix/wait.js'
import type { VmEvent, VmProvider } from '../../../src/vm/provider.js'
import { domainSpec, envSpec, netSpec, planFacts } from '../../helpers/env-spec.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const makeTempDir = useTempDirs()
afterEach(() => void jest.useRealTimers())

const NEVER_MS = 600_000

interface Bench {
  readonly prefix: Prefix
  readonly host: Host
  readonly states: Map<string, VmState>
  /** Resolves when the wait listens. */
  readonly isWatched: Promise<void>
  tell(event: VmEvent): void
  readonly logPath: string
}

interface BenchOptions {
  readonly vms?: readonly string[]
  readonly console?: string
  /** Undefined: on a bridge. */
  readonly ip?: string
  readonly provider?: Partial<VmProvider>
  readonly isMute?: boolean
}

/** A prefix in which all VMs run, with what vm0 has printed. */
async function bench({ vms = ['vm0'], console, ip, provider = {}, isMute = false }: BenchOptions = {}): Promise<Bench> {
  const dir = await makeTempDir()
  const layout = prefixLayout(dir)
  await mkdir(layout.logs)
  if (console !== undefined) await writeFile(layout.consoleLog('vm0'), console)
  const states = new Map<string, VmState>(vms.map((vm) => [vm, 'running']))
  const listeners: ((event: VmEvent) => void)[] = []
  let watched: () => void = () => undefined
  const isWatched = new Promise<void>((resolve) => (watched = resolve))
  const watch: VmProvider['watch'] = async (_task, _vms, onEvent) => {
    listeners.push(onEvent)
    return { [Symbol.asyncDispose]: async () => void listeners.splice(0) }
  }
  const fake = {
    states: async () => {
      setImmediate(watched)
      return new Map(states)
    },
    ...(isMute ? {} : { watch }),
    ...provider,
  } as VmProvider // of what a wait asks for
  const host = {
    config: { vm: { defaultProvider: 'fake' }, ssh: {} },
    providers: createRegistry('VM provider', [['fake', fake]]),
  } as unknown as Host // of what a wait asks for
  return {
    prefix: { dir, layout, plan: planOf(vms, ip) },
    host,
    states,
    isWatched,
    tell: (event) => {
      for (const listener of [...listeners]) listener(event)
    },
    logPath: layout.consoleLog('vm0'),
  }
}

function planOf(vms: readonly string[], ip: string | undefined): EnvPlan {
  const spec = envSpec(
    vms.map((name) => domainSpec(name)),
    [netSpec('lago', { management: true })],
  )
  const plan = planEnv(spec, planFacts(spec))
  return { ...plan, vms: new Map([...plan.vms].map(([name, vm]) => [name, { ...vm, managementIp: ip }])) }
}

/** An agent that has not come up. */
const silentAgent: NonNullable<VmProvider['agent']> = () =>
  ({ ping: async () => Promise.reject(new LagoError('LAGO_AGENT', 'no agent')) }) as never // of it only ping is used

const stopped = (vm: string): VmEvent => ({ type: 'lifecycle', vm, event: 'stopped', detail: 'failed' })

test('all VMs are waited for, and each tells its rungs', async () => {
  const { task } = recordedTask()
  const { host, prefix } = await bench({ vms: ['vm0', 'vm1'] })
  const reached = await waitForRung(task, host, prefix, { vms: [], rung: 'running' })
  expect([...reached]).toEqual([
    ['vm0', [{ rung: 'running', afterMs: expect.any(Number) }]],
    ['vm1', [{ rung: 'running', afterMs: expect.any(Number) }]],
  ])
})

test('a VM that is down is waited for until it runs, by the events', async () => {
  const { task } = recordedTask()
  const { host, prefix, states, isWatched, tell } = await bench()
  states.set('vm0', 'down')
  const waiting = waitForRung(task, host, prefix, { vms: ['vm0'], rung: 'running' })
  await isWatched
  states.set('vm0', 'running')
  tell({ type: 'lifecycle', vm: 'vm0', event: 'started', detail: 'booted' })
  await expect(waiting).resolves.toEqual(new Map([['vm0', [{ rung: 'running', afterMs: expect.any(Number) }]]]))
})

test.each([
  ['has no events', true],
  ['has lost its events', false],
])('a provider that %s is asked from time to time', async (_, isMute) => {
  const { task } = recordedTask()
  const { host, prefix, states, isWatched, tell } = await bench({ isMute })
  states.set('vm0', 'down')
  const waiting = waitForRung(task, host, prefix, { vms: [], rung: 'running' })
  await isWatched
  states.set('vm0', 'running')
  tell({ type: 'connection-lost', reason: 'libvirtd is gone' })
  expect((await waiting).has('vm0')).toBe(true)
})

test('a VM that is down is not waited for on any other rung', async () => {
  const { task } = recordedTask()
  const { host, prefix, states } = await bench()
  states.set('vm0', 'down')
  await expect(waitForRung(task, host, prefix, { vms: [], rung: 'ssh' })).rejects.toMatchObject({
    code: 'LAGO_NOT_READY',
    message: expect.stringMatching(/^vm0 did not get to ssh: it is down\n {2}reached: no rung/),
    hint: 'lago start vm0',
  })
})

test('a VM that ends is told at once, with what it printed last and why', async () => {
  const { task } = recordedTask()
  const lines = Array.from({ length: 20 }, (_, at) => `line ${at}\n`).join('')
  const { host, prefix, isWatched, tell, logPath } = await bench({
    provider: { agent: silentAgent },
    console: `Linux version 6\n${lines}`,
  })
  const waiting = waitForRung(task, host, prefix, { vms: [], rung: 'agent', timeoutMs: NEVER_MS })
  const failure = waiting.catch((error: unknown) => error)
  await isWatched
  await appendFile(logPath, 'Out of memory: Killed process 1 (init)\nhalf a l\u001b[2Jine')
  tell(stopped('vm0'))
  const error = (await failure) as LagoError // said below
  expect(error).toMatchObject({
    code: 'LAGO_NOT_READY',
    hint: 'give the VM more memory in the init file',
    data: {
      vm: 'vm0',
      rung: 'agent',
      cause: { name: 'out-of-memory' },
      reached: [{ rung: 'running' }, { rung: 'kernel' }],
      console: [
        ...[12, 13, 14, 15, 16, 17, 18, 19].map((at) => `line ${at}`),
        'Out of memory: Killed process 1 (init)',
        'half a line',
      ],
    },
  })
  expect(error.message).toMatch(/^vm0 did not get to agent: the VM ended \(failed\); cause: out of memory\n/)
  expect(error.message).toMatch(/\n {2}reached: running after \d+\.\d s, kernel after \d+\.\d s\n/)
  expect(error.message).toMatch(/\n {2}its console says: Out of memory: Killed process 1 \(init\)\n/)
  expect(error.message).toMatch(/ {4}\| half a line$/)
})

test('a VM that ends is noticed without events as well', async () => {
  const { task } = recordedTask()
  const { host, prefix, states, isWatched } = await bench({ isMute: true })
  const waiting = waitForRung(task, host, prefix, { vms: [], rung: 'kernel', timeoutMs: NEVER_MS })
  const failure = expect(waiting).rejects.toMatchObject({
    code: 'LAGO_NOT_READY',
    message: expect.stringContaining('the VM ended'),
  })
  await isWatched
  states.set('vm0', 'shut off')
  await failure
})

test('the time is over: the tries are counted, and a guest that answers has its network and its kernel', async () => {
  const { task } = recordedTask()
  const { host, prefix } = await bench({ ip: '127.0.0.1', console: '' })
  const rung = 'port:1' // nobody listens there, and nobody is given it
  await expect(waitForRung(task, host, prefix, { vms: [], rung, timeoutMs: 3000 })).rejects.toMatchObject({
    code: 'LAGO_NOT_READY',
    message: expect.stringMatching(
      /^vm0 did not get to port:\d+ within 3 s\n {2}reached: running .*, kernel .*, network .*\n {2}last seen: .*ECONNREFUSED.* \(\d+ times\)$/,
    ),
    hint: expect.stringContaining('lago console vm0 --log'),
  })
})

test('a guest that prints nothing and answers nobody has nothing to boot from', async () => {
  const { task } = recordedTask()
  const { host, prefix } = await bench({ console: '' })
  await expect(waitForRung(task, host, prefix, { vms: [], rung: 'kernel', timeoutMs: 50 })).rejects.toMatchObject({
    code: 'LAGO_NOT_READY',
    message: expect.stringContaining('cause: no boot device'),
    data: { cause: { name: 'no-boot-device' }, console: [] },
  })
})

test('silence means nothing where there is no console', async () => {
  const { task } = recordedTask()
  const { host, prefix } = await bench()
  await expect(waitForRung(task, host, prefix, { vms: [], rung: 'kernel', timeoutMs: 50 })).rejects.toMatchObject({
    code: 'LAGO_NOT_READY',
    data: { cause: undefined },
  })
})

test('a kernel is seen on the console when it begins to print', async () => {
  const { task } = recordedTask()
  const { host, prefix, isWatched, logPath } = await bench({ console: 'Booting from Hard Disk...\n' })
  const waiting = waitForRung(task, host, prefix, { vms: [], rung: 'kernel', timeoutMs: NEVER_MS })
  await isWatched
  await appendFile(logPath, '[    0.000000] Linux version 6.1.0\n')
  expect((await waiting).get('vm0')?.map(({ rung }) => rung)).toEqual(['running', 'kernel'])
})

test('a panic that stays ends the wait long before its time', async () => {
  jest.useFakeTimers({
    doNotFake: ['setImmediate', 'setInterval', 'nextTick', 'queueMicrotask', 'performance', 'Date'],
  })
  const { task } = recordedTask()
  const panic = 'Kernel panic - not syncing: x'
  const { host, prefix } = await bench({
    provider: { agent: silentAgent },
    console: `${panic}\n---[ end ${panic} ]---\n`,
  })
  const waiting = waitForRung(task, host, prefix, { vms: [], rung: 'agent', timeoutMs: NEVER_MS })
  const failure = waiting.catch((error: unknown) => error)
  while (jest.getTimerCount() < 2) await new Promise((resolve) => setImmediate(resolve)) // the limit, and the panic's
  jest.advanceTimersByTime(10_000)
  expect(await failure).toMatchObject({
    code: 'LAGO_NOT_READY',
    message: expect.stringMatching(/^vm0 did not get to agent: its kernel has stopped; cause: kernel panic\n/),
  })
})

test('the agent is asked again as soon as it has opened its channel', async () => {
  const { task } = recordedTask()
  let isThere = false
  let asked: () => void = () => undefined
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const ping = async (): Promise<void> => {
    asked()
    if (!isThere) throw new LagoError('LAGO_AGENT', 'no agent')
  }
  const agent = (): ReturnType<NonNullable<VmProvider['agent']>> => ({ ping }) as never // of it only ping is used
  const { host, prefix, tell } = await bench({ provider: { agent } })
  const waiting = waitForRung(task, host, prefix, { vms: [], rung: 'agent', timeoutMs: NEVER_MS })
  await isAsked
  isThere = true
  tell({ type: 'agent', vm: 'vm0', connected: true })
  expect((await waiting).get('vm0')?.map(({ rung }) => rung)).toEqual(['running', 'kernel', 'agent'])
})

test('an agent is not waited for where there can be none', async () => {
  const { task } = recordedTask()
  const { host, prefix } = await bench()
  await expect(waitForRung(task, host, prefix, { vms: [], rung: 'agent' })).rejects.toMatchObject({
    code: 'LAGO_NOT_READY',
    message: expect.stringContaining('vm0 has no channel for a guest agent'),
  })
})

test('a port is reached when it accepts', async () => {
  const { task } = recordedTask()
  const { host, prefix } = await bench({ ip: '127.0.0.1' })
  const server = createServer((socket) => socket.on('error', () => undefined))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const rung = `port:${(server.address() as AddressInfo).port}` // a TCP server has one
  const reached = await waitForRung(task, host, prefix, { vms: [], rung })
  server.close()
  expect(reached.get('vm0')?.map(({ rung }) => rung)).toEqual(['running', 'kernel', 'network', rung])
})

test('the address of a VM on a bridge is not known', async () => {
  const { task } = recordedTask()
  const { host, prefix } = await bench()
  await expect(waitForRung(task, host, prefix, { vms: [], rung: 'network' })).rejects.toMatchObject({
    code: 'LAGO_GUEST_UNREACHABLE',
  })
})

test('several that do not get ready are told together', async () => {
  const { task } = recordedTask()
  const { host, prefix, states } = await bench({ vms: ['vm0', 'vm1', 'vm2'] })
  states.set('vm0', 'down').set('vm2', 'down')
  await expect(waitForRung(task, host, prefix, { vms: ['vm0', 'vm2'], rung: 'agent' })).rejects.toMatchObject({
    code: 'LAGO_PARTIAL',
    data: { failures: [{ code: 'LAGO_NOT_READY' }, { code: 'LAGO_NOT_READY' }] },
  })
})

test('an abort ends the wait with its reason', async () => {
  const { task, abort } = recordedTask()
  const { host, prefix, isWatched } = await bench({ console: '' })
  const waiting = expect(
    waitForRung(task, host, prefix, { vms: [], rung: 'kernel', timeoutMs: NEVER_MS }),
  ).rejects.toThrow('enough')
  await isWatched
  abort(new LagoError('LAGO_CANCELLED', 'enough'))
  await waiting
})

test('a state that cannot be asked for ends the wait with what is the matter', async () => {
  const { task } = recordedTask()
  let times = 0
  const states: VmProvider['states'] = async () => {
    if (++times > 1) throw new LagoError('LAGO_LIBVIRT', 'it is gone')
    return new Map([['vm0', 'running']])
  }
  const { host, prefix } = await bench({ isMute: true, provider: { states } })
  await expect(waitForRung(task, host, prefix, { vms: [], rung: 'kernel', timeoutMs: NEVER_MS })).rejects.toMatchObject(
    {
      code: 'LAGO_LIBVIRT',
    },
  )
})

test.each([
  ['LAGO_BAD_RUNG', { vms: [], rung: 'shh' }],
  ['LAGO_NO_SUCH_VM', { vms: ['vm7'], rung: 'ssh' }],
])('%s before anything is asked', async (code, request) => {
  const { task } = recordedTask()
  const { host, prefix } = await bench({ provider: { states: async () => Promise.reject(new Error('asked')) } })
  await expect(waitForRung(task, host, prefix, request)).rejects.toMatchObject({ code })
})
