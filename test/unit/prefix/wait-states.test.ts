import { expect, test } from '@jest/globals'
import { createRegistry } from '../../../src/base/registry.js'
import type { VmState } from '../../../src/libvirt/types.js'
import { planEnv } from '../../../src/plan/plan-env.js'
import type { VmPlan } from '../../../src/plan/types.js'
import type { Host } from '../../../src/prefix/host.js'
import { watchStates, type StateNews } from '../../../src/prefix/wait-states.js'
import type { VmEvent, VmProvider } from '../../../src/vm/provider.js'
import { domainSpec, envSpec, netSpec, planFacts } from '../../helpers/env-spec.js'
import { recordedTask } from '../../helpers/recorded-task.js'

/** A provider that answers each question when it is told to, in any order. */
function slowProvider(): { host: Host; tell(event: VmEvent): void; answer(question: number, state: VmState): void } {
  const questions: ((state: VmState) => void)[] = []
  let tell: (event: VmEvent) => void = () => undefined
  const provider = {
    states: async () =>
      new Promise((resolve) => questions.push((state) => resolve(new Map<string, VmState>([['vm0', state]])))),
    watch: async (_task, _vms, onEvent) => {
      tell = onEvent
      return { [Symbol.asyncDispose]: async () => undefined }
    },
  } as Partial<VmProvider> as VmProvider // of what is asked for
  const host = {
    config: { vm: { defaultProvider: 'slow' } },
    providers: createRegistry('VM provider', [['slow', provider]]),
  } as unknown as Host // of what is asked for
  return { host, tell: (event) => tell(event), answer: (question, state) => questions[question]?.(state) }
}

function vms(): readonly VmPlan[] {
  const spec = envSpec([domainSpec('vm0')], [netSpec('lago', { management: true })])
  return [...planEnv(spec, planFacts(spec)).vms.values()]
}

const settled = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('an answer that comes after that of a later question is passed over', async () => {
  const { host, tell, answer } = slowProvider()
  const told: VmState[] = []
  const news: StateNews = {
    onState: (_, state) => void told.push(state),
    onStopped: () => undefined,
    onAgentConnected: () => undefined,
    onError: () => undefined,
  }
  const watching = watchStates(recordedTask().task, host, vms(), news)
  await settled()
  answer(0, 'down')
  await using _watch = await watching
  tell({ type: 'lifecycle', vm: 'vm0', event: 'defined', detail: '' })
  tell({ type: 'lifecycle', vm: 'vm0', event: 'started', detail: 'booted' })
  await settled()
  answer(2, 'running')
  await settled()
  answer(1, 'down')
  await settled()
  expect(told).toEqual(['down', 'running'])
})
