/** What every provider of VMs keeps, so that the engine need not know which one it has. */
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { EnvPlan, VmPlan } from '../../src/plan/types.js'
import type { StartContext, VmProvider } from '../../src/vm/provider.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'

export interface ProviderUnderTest {
  readonly provider: VmProvider
  /** Two VMs, `vm0` and `vm1`, that this provider can start; down, unless it is foreign. */
  readonly env: EnvPlan
  close(): Promise<void>
}

const tempDir = useTempDirs()

/** A log of its own: a start moves away what stands there. */
export async function startContext(env: EnvPlan): Promise<StartContext> {
  return { env, sshPublicKey: 'ssh-rsa AAAA test', consoleLogPath: path.join(await tempDir(), 'console.log') }
}

export function describeProvider(name: string, open: () => Promise<ProviderUnderTest>): void {
  /** Opens one, and closes it whatever comes of it. */
  const withProvider =
    (work: (provider: VmProvider, vms: readonly [VmPlan, VmPlan], env: EnvPlan) => Promise<void>) => async () => {
      const { provider, env, close } = await open()
      try {
        const [vm0, vm1] = [env.vms.get('vm0'), env.vms.get('vm1')]
        if (vm0 === undefined || vm1 === undefined) throw new Error('the contract needs vm0 and vm1')
        await work(provider, [vm0, vm1], env)
      } finally {
        await close()
      }
    }

  describe(`the provider ${name}`, () => {
    test(
      'answers with the state of exactly those VMs that it is asked for, by their names',
      withProvider(async (provider, [vm0, vm1]) => {
        const { task } = recordedTask()
        expect([...(await provider.states(task, [vm1, vm0])).keys()].sort()).toEqual(['vm0', 'vm1'])
        expect([...(await provider.states(task, [vm1])).keys()]).toEqual(['vm1'])
        expect((await provider.states(task, [])).size).toBe(0)
      }),
    )

    test(
      'has a VM running after its start; after its stop it is down, if it is ours; a second stop does nothing',
      withProvider(async (provider, [vm0, vm1], env) => {
        const { task } = recordedTask()
        const idle = provider.foreign ? 'running' : 'down'
        expect(await statesOf(provider, [vm0, vm1])).toEqual({ vm0: idle, vm1: idle })
        await provider.start(task, vm0, await startContext(env))
        expect(await statesOf(provider, [vm0, vm1])).toEqual({ vm0: 'running', vm1: idle })
        await provider.stop(task, vm0)
        await provider.stop(task, vm0)
        await provider.stop(task, { libvirtName: vm1.libvirtName })
        expect(await statesOf(provider, [vm0, vm1])).toEqual({ vm0: idle, vm1: idle })
      }),
    )

    test(
      'takes a request to shut down without waiting for what comes of it',
      withProvider(async (provider, [vm0], env) => {
        const { task } = recordedTask()
        await provider.start(task, vm0, await startContext(env))
        await provider.shutdown(task, vm0, 'off')
        const state = (await provider.states(task, [vm0])).get('vm0')
        expect(provider.foreign ? ['running'] : ['running', 'begin shut down', 'shut off', 'down']).toContain(state)
        await provider.stop(task, vm0)
      }),
    )

    test(
      'lets at least one VM boot, and tells about a VM that has been started when asked',
      withProvider(async (provider, [vm0], env) => {
        const { task } = recordedTask()
        expect(await provider.bootSlots(task)).toBeGreaterThanOrEqual(1)
        const watch = provider.watchBoot(vm0)
        await provider.start(task, vm0, await startContext(env))
        expect(typeof (await watch.isSettled(task))).toBe('boolean')
        await provider.stop(task, vm0)
      }),
    )

    test(
      'has no snapshots, sleep or console of a VM that is not ours',
      withProvider(async (provider) => {
        if (!provider.foreign) return
        const able = [provider.snapshots, provider.sleep, provider.openConsole, provider.agent]
        expect(able).toEqual([undefined, undefined, undefined, undefined])
      }),
    )

    test(
      'starts nothing for a task that was aborted',
      withProvider(async (provider, [vm0], env) => {
        if (provider.foreign) return
        const { task, abort } = recordedTask()
        abort(new Error('Ctrl-C'))
        await expect(provider.start(task, vm0, await startContext(env))).rejects.toThrow('Ctrl-C')
        expect(await statesOf(provider, [vm0])).toEqual({ vm0: 'down' })
      }),
    )
  })
}

async function statesOf(provider: VmProvider, vms: readonly VmPlan[]): Promise<Record<string, string>> {
  return Object.fromEntries(await provider.states(recordedTask().task, vms))
}
