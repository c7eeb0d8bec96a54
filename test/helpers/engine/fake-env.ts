/**
 * An environment without guests: a stand-in engine beside VMs of which nothing but states, services and commands is asked.
 * The service ovirt-engine is the stand-in itself: it goes away when that is stopped, and comes back when it is started.
 */
import type { Command, Env, Vm, VmCpu } from '../../../src/index.js'
import type { StandInEngine } from './server.js'

type ServiceState = 'active' | 'inactive' | 'missing'

export interface FakeEnv {
  readonly env: Env
  /** What was asked of the environment and its guests, in its order: `start`, `snapshot clean`, `host0 stop vdsmd`. */
  readonly calls: string[]
  /** `host0 vdsmd` to its state; may be changed. */
  readonly services: Map<string, ServiceState>
  /** Done at the call of this name, in its place; what it throws fails the call. */
  on(call: string, act: () => Promise<void> | void): void
}

export interface FakeEnvOptions {
  readonly prefixDir?: string
  readonly cpu?: VmCpu
  /** Of the engine's VM. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Of the hosts. */
  readonly hostMetadata?: Readonly<Record<string, unknown>>
  readonly engineState?: 'running' | 'down'
  /** Default true: hosts have vdsm. */
  readonly vdsm?: boolean
}

/** engine, host0, host1, and a storage; all services active. */
export function fakeEnv(standIn: StandInEngine, options: FakeEnvOptions = {}): FakeEnv {
  const calls: string[] = []
  const acts = new Map<string, () => Promise<void> | void>()
  const services = new Map<string, ServiceState>([
    ['engine ovirt-engine', 'active'],
    ...['host0', 'host1'].flatMap((host): [string, ServiceState][] =>
      ['supervdsmd', 'vdsmd'].map((service) => [`${host} ${service}`, options.vdsm === false ? 'missing' : 'active']),
    ),
  ])
  const call = async (name: string): Promise<void> => {
    calls.push(name)
    await acts.get(name)?.()
  }
  const vm = (name: string, type: string, given: Partial<Vm> = {}): Vm =>
    ({
      name,
      ip: '127.0.0.1',
      spec: { 'vm-type': type },
      metadata: {},
      state: async () => 'running',
      cpu: async () => options.cpu,
      waitForSsh: async () => call(`${name} ssh`),
      service: (service: string) => ({
        state: async () => services.get(`${name} ${service}`) ?? 'missing',
        start: async () => {
          await call(`${name} start ${service}`)
          services.set(`${name} ${service}`, 'active')
          if (service === 'ovirt-engine') await standIn.comeBack()
        },
        stop: async () => {
          await call(`${name} stop ${service}`)
          services.set(`${name} ${service}`, 'inactive')
          if (service === 'ovirt-engine') await standIn.goAway()
        },
      }),
      succeed: async (command: Command) => {
        const text = textOf(command)
        if (text === 'pwd') return '/root\n'
        await call(`${name} ${text}`)
        return ''
      },
      exec: async (command: Command) => {
        await call(`${name} ${textOf(command)}`)
        return { exitCode: 0, stdout: '', stderr: '', durationMs: 0 }
      },
      copyTo: async (hostPath: string, guestPath: string) => call(`${name} copy ${hostPath} ${guestPath}`),
      ...given,
    }) as Partial<Vm> as Vm // nothing else is asked of it
  const vms = [
    vm('engine', 'ovirt-engine', {
      metadata: { 'ovirt-engine-url': standIn.url, ...options.metadata },
      state: async () => options.engineState ?? 'running',
    }),
    vm('host0', 'ovirt-host', { metadata: options.hostMetadata ?? {} }),
    vm('host1', 'ovirt-host'),
    vm('storage', 'default'),
  ]
  const snapshots = new Set<string>()
  const env: Env = {
    prefixDir: options.prefixDir ?? '/nowhere',
    vms: new Map(vms.map((vm) => [vm.name, vm])),
    vm: (name: string) => vms.find((vm) => vm.name === name),
    start: async () => call('start'),
    stop: async () => call('stop'),
    shutdown: async () => call('shutdown'),
    wait: async (rung: string, { vms }: { readonly vms: readonly string[] }) => call(`wait ${rung} ${vms.join(' ')}`),
    snapshots: async () =>
      new Map(vms.map(({ name }) => [name, new Map([...snapshots].map((name) => [name, SNAPSHOT]))])),
    snapshot: async (name: string) => {
      await call(`snapshot ${name}`)
      snapshots.add(name)
    },
    revert: async (name: string) => call(`revert ${name}`),
    shielded: async <T>(_: number, work: (env: Env) => Promise<T>) => work(env),
  } as Partial<Env> as Env // as above
  return { env, calls, services, on: (name, act) => void acts.set(name, act) }
}

const SNAPSHOT = { takenAt: undefined, withMemory: true, diskUseBytes: 0 }

function textOf(command: Command): string {
  return typeof command === 'string' ? command : command.join(' ')
}
